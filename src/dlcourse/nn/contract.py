"""What holds for every layer: the guard around each forward and each backward pass.

A mistake that would end in wrong numbers, or in an error far from its cause, ends in one sentence
here. `Module` puts the guard around the methods of every class that derives from it, a learner's
own included; `dlcourse.nn.Module` says what it demands.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlcourse.backend import Array, each, is_array
from dlcourse.blas import blas_held

#: `Module` stands on this file, so here it is only a name for readers.
Module = Any
Pass = Callable[..., Any]


#: Numbers the calls from outside, on all threads.
_numbers = itertools.count(1)


class _Thread(threading.local):
    """What runs on this thread now."""

    def __init__(self) -> None:
        self.calls: tuple[Module, ...] = ()  #: whose passes have begun, the outermost first
        self.run = 0  #: the number of the outermost call


_here = _Thread()


@dataclass
class _Record:
    """What the guard knows of one module's last forward pass."""

    added: set[str] = field(default_factory=set)  #: the attributes that passes have added
    run: int | None = None  #: the outermost call that it was part of; None if it failed
    repeated: bool = False  #: whether the same call had one before
    used: bool = False  #: whether a backward pass has followed
    output: Any = None  #: its shape and dtype; a list of them where there are several
    inputs: tuple[Any, ...] = (None,)  #: the dtype of each array; None where the first is none


def _run(step: Pass, module: Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run a pass; the outermost in this thread holds BLAS to one thread.

    However it ends, even by Ctrl-C, everything is as it was before.
    """
    outer = _here.calls
    try:
        _here.calls = (*outer, module)
        if outer:
            return step(module, *inputs, **options)
        _here.run = next(_numbers)
        with blas_held():
            return step(module, *inputs, **options)
    finally:
        _here.calls = outer


def _infer(forward: Pass, module: Module, x: Array, options: dict[str, Any]) -> Any:
    """Run a pass of `Module.for_inference`: it leaves nothing behind, and all dtypes agree."""
    outer, attributes = _here.calls, module.__dict__
    before = len(attributes)
    try:
        _here.calls = (*outer, module)
        if outer:
            y = forward(module, x, **options)
        else:
            with blas_held():
                y = forward(module, x, **options)
        if y is None:
            raise RuntimeError(f"forward of {place(module)} returned None: end it with `return`")
        return y
    finally:
        _here.calls = outer
        while len(attributes) > before:
            attributes.popitem()  # the last that was added


def guard_forward(forward: Pass) -> Pass:
    """Return a forward pass with what holds for every layer around it."""

    @functools.wraps(forward)
    def guarded(self: Module, *inputs: Array, **options: Any) -> Any:
        if _here.calls and _here.calls[-1] is self:  # super().forward(x)
            return forward(self, *inputs, **options)
        given: Array = inputs[0] if inputs else next(iter(options.values()), None)
        x = given
        attributes = self.__dict__
        alone = attributes.get("_inference")
        if alone is not None and type(x) is np.ndarray and x.dtype == alone and len(inputs) == 1:
            return _infer(forward, self, x, options)
        if type(x) is not np.ndarray or x.dtype.kind not in self.input_kinds:
            _check_input(self, x)
            x = _plain(self, x)
        record: _Record = attributes.get("_record") or attributes.setdefault("_record", _Record())
        record.inputs = (getattr(x, "dtype", None),)
        if len(inputs) > 1:
            record.inputs += tuple(array.dtype for array in inputs[1:] if is_array(array))
        dtype = self._own_dtype(whole=not _here.calls)
        if dtype is not None and _differs(x, dtype):
            x = x.astype(dtype)
        if x is not given:
            if inputs:
                inputs = x, *inputs[1:]
            else:
                options[next(iter(options))] = x
        run_before, record.run = record.run, None  # a pass that fails leaves nothing to go back on
        before = len(attributes)
        try:
            y = _run(forward, self, inputs, options)
        finally:
            if len(attributes) != before:
                record.added.update(list(attributes)[before:])  # in order of assignment
        if y is None:
            raise RuntimeError(f"forward of {place(self)} returned None: end it with `return`")
        record.repeated = run_before == _here.run and not record.used
        record.run, record.used = _here.run, False
        record.output = (y.shape, y.dtype) if type(y) is np.ndarray else _kind(y)
        return y

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded


def guard_backward(backward: Pass) -> Pass:
    """Return a backward pass with what holds for every layer around it."""

    @functools.wraps(backward)
    def guarded(self: Module, *grads: Array, **options: Any) -> Any:
        if _here.calls and _here.calls[-1] is self:  # super().backward(dy)
            return backward(self, *grads, **options)
        attributes = self.__dict__
        record: _Record | None = attributes.get("_record")
        if record is None or record.run is None or only_forward(self):
            record = _without_forward(self)
        else:
            if record.repeated:
                raise RuntimeError(
                    f"{place(self)} ran more than once in one forward pass, and a layer remembers "
                    "only the last time: make one layer for each place"
                )
            if grads:
                grads = _fitting(self, grads[0], record.output), *grads[1:]
        before = len(attributes)
        try:
            dx = _run(backward, self, grads, options)
        finally:
            if len(attributes) != before:
                record.added.update(list(attributes)[before:])
        record.used = True
        if len(record.inputs) > 1:
            return _gradients(self, dx, record.inputs)
        return _gradient(self, dx, record.inputs[0])

    guarded.guarded = True  # type: ignore[attr-defined]
    return guarded


def guard(cls: type[Module], base: type[Module]) -> None:
    """Put the guard around a class's passes, its own or mixed in, but not the base class's."""
    for name, around in (("forward", guard_forward), ("backward", guard_backward)):
        method = getattr(cls, name)
        if method is not getattr(base, name) and not hasattr(method, "guarded"):
            setattr(cls, name, around(method))


def only_forward(module: Module) -> bool:
    """Whether a module belongs to a network of `Module.for_inference`."""
    return "_inference" in vars(module)


def added(module: Module) -> set[str]:
    """Return the names of the attributes that passes have assigned first."""
    record: _Record | None = vars(module).get("_record")
    return set() if record is None else {"_record", *record.added}


# -- what is asked for -----------------------------------------------------------------------


def _check_input(module: Module, x: Array) -> None:
    """Refuse what is not an array, and numbers of the wrong kind where no layer inside would."""
    kinds = module.input_kinds
    if not is_array(x):
        if isinstance(x, tuple) and any(module.named_children()):
            return
        raise TypeError(
            f"{place(module)} expects an array of NumPy or CuPy, found {_found(x)}: "
            "convert it with np.asarray(x, dtype=np.float32)"
        )
    if x.dtype.kind in kinds or any(module.named_children()):
        return
    if "f" not in kinds:
        raise ValueError(f"{place(module)} expects whole numbers, found {x.dtype}")
    cure = "divide by 255" if x.dtype == np.uint8 else "convert them with x.astype(np.float32)"
    raise ValueError(f"{place(module)} expects floating-point values, found {x.dtype}: {cure}")


def _plain(module: Module, x: Any) -> Any:
    """Return an array of a class that derives from NumPy's, such as a matrix, as NumPy's own."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{place(module)} expects an array without a mask: write x.filled(0) in place of x"
        )
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else x


def _fitting(module: Module, dy: Any, output: Any) -> Any:
    """Return the gradient in the dtype of the output, whose shape it must have."""
    if isinstance(output, list) and output:  # a gradient for each output, or for the first alone
        if isinstance(dy, tuple) and len(dy) == len(output):
            return each(
                lambda part, one: None if part is None else _fitting(module, part, one), dy, output
            )
        output = output[0]
    if output is None:
        return dy
    shape, dtype = output
    if type(dy) is not np.ndarray:
        dy = _plain(module, dy)
    if dy is None and _here.calls:
        raise RuntimeError(
            f"backward of {place(module)} got None in place of a gradient: the layer behind it "
            "has to return one, by a `return` at the end of its backward and input_grad left True"
        )
    if type(dy) is not np.ndarray and not is_array(dy):
        raise TypeError(
            f"backward of {place(module)} expects the gradient as an array of shape {shape}, "
            f"found {_found(dy)}: a loss has it, criterion.backward()"
        )
    if dy.shape != shape:
        raise ValueError(
            f"backward of {place(module)} expects the gradient in the shape of the last output, "
            f"{shape}, found {dy.shape}"
        )
    if dy.dtype.kind != "f":
        raise ValueError(
            f"backward of {place(module)} expects floating-point values, found {dy.dtype}: "
            "convert them with dy.astype(np.float32)"
        )
    return dy.astype(dtype) if _differs(dy, dtype) else dy


def _differs(x: Any, dtype: Any) -> bool:
    """Whether `x` holds floating-point numbers of another dtype than this floating-point one."""
    found = getattr(x, "dtype", None)
    return found is not None and found != dtype and found.kind == "f" == getattr(dtype, "kind", "")


def _without_forward(module: Module) -> _Record:
    if only_forward(module):
        raise RuntimeError(
            f"backward of {place(module)} needs what a forward pass keeps, and a network made by "
            "for_inference() keeps nothing: call the network itself"
        )
    if hasattr(module.forward, "guarded"):
        raise RuntimeError(
            f"backward of {place(module)} needs a forward pass before it: call the layer on its "
            "input first"
        )
    record: _Record = module.__dict__.setdefault("_record", _Record())
    return record  # forward was replaced, so nothing is known of it


def _gradient(module: Module, dx: Any, dtype: Any) -> Any:
    """Return the gradient in the dtype of its input; None if it has none, or none is wanted."""
    if dx is None and (dtype is None or dtype.kind == "f") and _wanted(module):
        raise RuntimeError(
            f"backward of {place(module)} returned None: end it with `return`, and return the "
            "gradient with respect to the input"
        )
    return dx.astype(dtype) if _differs(dx, dtype) else dx


def _gradients(module: Module, grads: Any, dtypes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a gradient for each input: the first is needed, any other may have none."""
    if not isinstance(grads, tuple) or len(grads) != len(dtypes):
        found = f"{len(grads)} of them" if isinstance(grads, tuple) else _found(grads)
        raise RuntimeError(
            f"backward of {place(module)} has to return a tuple of {len(dtypes)}, a gradient for "
            f"each input and None for one that has none, found {found}"
        )
    dx, *others = grads
    rest = zip(others, dtypes[1:], strict=True)
    return _gradient(module, dx, dtypes[0]), *(
        grad.astype(dtype) if _differs(grad, dtype) else grad for grad, dtype in rest
    )


def _wanted(module: Module | None) -> bool:
    """Whether the gradient of the input is wanted, here and at each entrance inside."""
    return module is None or (getattr(module, "input_grad", True) and _wanted(module.entrance()))


def _kind(y: Any) -> Any:
    """Return the shape and dtype of an output, or a list of them; None for what is no array."""
    if isinstance(y, tuple):
        return [_kind(part) for part in y]
    return (y.shape, y.dtype) if is_array(y) else None


def _found(x: Any) -> str:
    kind = type(x)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def place(module: Module) -> str:
    """Return the class of a module, and its place in the whole that is running."""
    kind = type(module).__name__
    if not _here.calls or _here.calls[0] is module:
        return kind
    whole = _here.calls[0]
    places = [name for name, part in whole.named_modules() if part is module]
    return f"{kind} ({' and '.join(places)} of {type(whole).__name__})" if places else kind
