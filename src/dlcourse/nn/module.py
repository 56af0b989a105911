"""`Module`: what every layer and network derives from."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.backend import Array, to_device
from dlcourse.habits import Familiar, explained
from dlcourse.nn.contract import added, guard
from dlcourse.nn.draws import Draws
from dlcourse.nn.parameter import Parameter
from dlcourse.nn.state import fitted, put


class Module(Familiar):
    """Base of all layers and networks: a forward and a backward pass, and named arrays.

    A subclass assigns `Parameter`s, buffers and other modules as attributes in ``__init__``
    (after ``super().__init__()``), and defines

    - ``forward(x)``, which returns the output and keeps what the backward pass will need;
    - ``backward(dy)``, which takes the gradient of the loss with respect to the output of the
      *last* forward pass, adds to the ``grad`` of each parameter, and returns the gradient
      with respect to the input.

    ``forward`` may take several arrays: then ``backward`` returns a tuple of as many, with None for
    one that has no gradient, such as an index. Where it returns several, ``backward`` takes a
    tuple.

    A layer with parameters computes in their dtype, and so does a network that is called: float64
    images leave a float32 network as float32. A layer without parameters keeps the dtype of its
    input. Each gradient has the dtype of what it belongs to. Only floating-point numbers pass
    through a network; float16 is added up in float32, since sums would overflow it. NaN and
    infinity pass as in torch, and a batch of no images gives no outputs and gradients of zero.

    There is no autograd: a composite's ``backward`` is written out. Names, layouts and the
    order of ``state_dict()`` follow ``torch.nn.Module``.

    Notes
    -----
    Every class that derives from this one is guarded: what cannot be right ends in a sentence
    that names the layer and its place, not in wrong numbers.

    - The first input is an array of NumPy or CuPy. One of a class derived from NumPy's is taken
      as NumPy's own, and a masked one is refused. Where no layer inside can judge, it must hold
      floating-point values; a class that takes others says so in ``input_kinds``.
    - ``backward`` needs a forward pass before it, and a gradient of the shape of its output.
    - ``forward`` and ``backward`` return something. Only `skip_input_grad`, on the module or on
      what is its `entrance`, or an input of whole numbers, lets ``backward`` return None.
    - A layer that ran twice in one forward pass remembers only the second time, so it cannot go
      back: use one layer for each place. Two layers may share a `Parameter`.

    What ``__init__`` assigns belongs to a module. What ``forward`` or ``backward`` assigns for the
    first time is left over from a pass, and is neither copied nor pickled.

    An output, and `lstm.state` of a recurrent layer, may be changed in place. An input, and the
    parameters' values, must not be changed until the backward pass is over, because layers keep
    them instead of copies. A layer that has nothing to do, like dropout in evaluation, returns its
    input itself, or a view of it; so does its backward pass with the gradient.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.weight = Parameter(np.full(1, 2.0, np.float32))
    ...     def forward(self, x):
    ...         self.x = x
    ...         return self.weight.data * x
    ...     def backward(self, dy):
    ...         self.weight.accumulate((dy * self.x).sum(keepdims=True))
    ...         return self.weight.data * dy
    >>> scale = Scale()
    >>> scale(np.ones(4, np.float32))
    array([2., 2., 2., 2.], dtype=float32)
    >>> scale.backward(np.ones(4, np.float32))
    array([2., 2., 2., 2.], dtype=float32)
    >>> scale.weight.grad
    array([4.], dtype=float32)
    """

    hints: ClassVar = {
        "_buffers": "call super().__init__() at the start of its __init__",
        "training": "call super().__init__() at the start of its __init__",
        "save": "write dlcourse.nn.weights.save_weights(model, path)",
        "get_parameter": 'write dict(model.named_parameters())["conv.weight"]',
        "get_submodule": 'write dict(model.named_modules())["features.0"]',
        "named_buffers": "state_dict() holds them, beside the parameters",
        "buffers": "state_dict() holds them, beside the parameters",
        "register_forward_hook": "run the layers one by one, for layer in model: x = layer(x)",
        "register_full_backward_hook": "call the backward of its layers one by one",
        "register_parameter": "write self.weight = Parameter(array)",
        "type": "write model.astype(np.float64)",
        "bfloat16": "see dlcourse.precision for numbers of fewer bits",
        "compile": "there is nothing to compile, call the model",
        "device=": 'leave it out and write model.to("cuda") afterwards',
        "dtype=": "leave it out and write model.astype(np.float64) afterwards",
    }

    #: The kinds of numbers (NumPy's ``dtype.kind``) that the first input may hold.
    input_kinds: str = "f"
    training: bool
    #: False on a network's first layer saves the gradient with respect to the input.
    input_grad: bool

    def __init__(self) -> None:
        self.training = True
        self.input_grad = True
        self._buffers: list[str] = []

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        guard(cls, Module)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return the output for one input or several."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x)")

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the input, given the gradient of the output.

        Of several outputs it takes a tuple, and for several inputs it returns one, with None for
        an input that has no gradient, such as an index.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not define backward(dy): there is no autograd, "
            "write it out, or derive from Chain if its parts run one after another"
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    # -- the tree of modules -------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the name and module of each direct child, in order of assignment."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield each direct child, in the order of `named_children`."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield the dotted name and module of this module and all below it."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, in the order of `named_modules`."""
        return (module for _, module in self.named_modules())

    def add_module(self, name: str, module: Module) -> None:
        """Assign a module as the attribute `name`."""
        setattr(self, name, module)

    def apply(self, fn: Callable[[Module], object]) -> Self:
        """Call a function with each module, children first and this one last; return the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def extra_repr(self) -> str:
        """Return the constructor's arguments for `print`, without those at their defaults.

        They are read from the attributes of the same names.

        Examples
        --------
        >>> from dlcourse.nn import Linear
        >>> Linear(4, 2, bias=False, rng=np.random.default_rng(0))
        Linear(4, 2, bias=False)
        """
        words = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value, default = vars(self).get(name, parameter.default), parameter.default
            if name == "bias":
                value = value is not None  # the attribute is a Parameter or None
            if not isinstance(value, int | float | np.number | str | tuple):
                continue
            if default is parameter.empty:
                words.append(repr(value))
            elif value not in (default, (default, default)):
                words.append(f"{name}={value!r}")
        return ", ".join(words)

    def __repr__(self) -> str:
        lines = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        inside = "\n".join(lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {inside}\n)"

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the dotted name of each parameter, and the parameter; a shared one only once."""
        seen = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{prefix}.{name}" if prefix else name, value

    def parameters(self) -> list[Parameter]:
        """Return all parameters, in the order of `named_parameters`."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say whether the parameters learn, and return the module.

        Those that do not learn get no gradient, and optimizers skip them. A layer then saves the
        work, which is half of a convolution's backward pass.

        Examples
        --------
        >>> import numpy as np
        >>> from dlcourse.nn import Linear
        >>> line = Linear(2, 1, rng=np.random.default_rng(0)).requires_grad_(False)
        >>> _ = line.backward(line(np.ones((1, 2), np.float32)))
        >>> line.weight.grad is None
        True
        """
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def _own_dtype(self, whole: bool) -> np.dtype | None:
        """Return the dtype of the module's own parameters, or the first in the `whole` network."""
        parameters = (p for _, p in self.named_parameters()) if whole else vars(self).values()
        for value in parameters:
            if isinstance(value, Parameter):
                dtype: np.dtype = value.data.dtype
                return dtype
        return None

    # -- modes ---------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch training behaviour (dropout, batch statistics) on, and return the module."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch training behaviour off, and return the module."""
        return self.train(False)

    def start_training(self) -> None:
        """Switch training behaviour on where the whole is off, as every training step does.

        A part that was switched off by itself, within a whole that trains, stays off: for example
        normalization whose statistics must not move.

        Examples
        --------
        >>> from dlcourse.nn import Dropout, ReLU, Sequential
        >>> net = Sequential(Dropout(0.5), ReLU())
        >>> _ = net[0].eval()
        >>> net.start_training()
        >>> net[0].training
        False
        """
        if not self.training:
            self.train()

    def modes(self) -> list[bool]:
        """Return whether each module of `named_modules` is in training."""
        return [module.training for _, module in self.named_modules()]

    def set_modes(self, modes: Sequence[bool]) -> None:
        """Set what `modes` returned for this module or for a copy of it."""
        for (_, module), mode in zip(self.named_modules(), modes, strict=True):
            module.training = mode

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Switch training behaviour off for a ``with`` block, then each part back to what it was.

        Examples
        --------
        >>> from dlcourse.nn import Dropout
        >>> layer = Dropout(0.5)
        >>> with layer.evaluating():
        ...     layer.training
        False
        >>> layer.training
        True
        """
        modes = self.modes()
        self.eval()
        try:
            yield
        finally:
            self.set_modes(modes)

    def entrance(self) -> Module | None:
        """Return the part inside that alone takes the input, None where there is none.

        A composite that names it saves the work of a gradient that nobody wants, see
        `skip_input_grad`; one that does not is merely slower.
        """
        return None

    def skip_input_grad(self, skip: bool = True) -> None:
        """Leave out the gradient with respect to the input, which training does not need.

        ``backward`` may then return None. ``skip_input_grad(False)`` takes that back.

        Examples
        --------
        >>> from dlcourse.nn import Linear, ReLU, Sequential
        >>> rng = np.random.default_rng(0)
        >>> net = Sequential(Linear(3, 4, rng=rng), ReLU(), Linear(4, 2, rng=rng))
        >>> net.skip_input_grad()
        >>> net[0].input_grad, net[2].input_grad
        (False, True)
        """
        self.input_grad = not skip
        entrance = self.entrance()
        if entrance is not None:
            entrance.skip_input_grad(skip)

    @explained
    def set_generator(self, rng: np.random.Generator) -> None:
        """Hand a random generator to every layer that `Draws`, such as dropout.

        Raises
        ------
        TypeError
            If a layer has a generator of its own and does not derive from `Draws`: what it draws
            would depend on the number of threads, and on interruptions.
        """
        for module in self.modules():
            if isinstance(module, Draws):
                module.rng = rng
            elif any(isinstance(value, np.random.Generator) for value in vars(module).values()):
                kind = type(module).__name__
                raise TypeError(
                    f"{kind} keeps a random generator, so it must derive from dlcourse.nn.Draws, "
                    f"as class {kind}(Draws, Module), and draw from self.generator"
                )

    # -- state ---------------------------------------------------------------------------

    def register_buffer(self, name: str, value: Array) -> None:
        """Add an array that belongs to the state but is not learnt, as ``self.<name>``.

        Change it in place (``self.<name>[...] = value``), because replicas share it.
        """
        self._buffers.append(name)
        setattr(self, name, value)

    def _slots(self) -> Iterator[tuple[str, object, str]]:
        """Yield (dotted name, owner, attribute) for each array of the state, in torch's order."""
        for prefix, module in self.named_modules():
            dot = f"{prefix}." if prefix else ""
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield dot + name, value, "data"
            for name in module._buffers:
                yield dot + name, module, name

    def state_dict(self) -> dict[str, Array]:
        """Return the arrays of the state by dotted name: parameters and buffers, not copied."""
        return {name: getattr(owner, attribute) for name, owner, attribute in self._slots()}

    def load_state_dict(self, state: Mapping[str, Array], strict: bool = True) -> None:
        """Copy arrays into the parameters and buffers of the same names.

        Nothing is changed unless every name and shape agrees, and all values are real numbers.
        If `strict` is false, names that only one side has are skipped.

        Raises
        ------
        TypeError
            If `state` is not a mapping from names to arrays.
        ValueError
            If a name is missing or unknown, a shape differs, or an array holds text or the like;
            the message lists which.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict expects arrays by name, found {type(state).__name__}: to "
                "read a file write dlcourse.nn.weights.load_weights(model, path)"
            )
        own = self.state_dict()
        if not strict:
            state = own | {name: state[name] for name in own if name in state}
        put(fitted(self.state_dict(), state, f"these weights do not fit {type(self).__name__}"))

    def __getstate__(self) -> dict[str, Any]:
        # What passes have left behind is neither copied nor pickled.
        left_over = added(self) - {*self._buffers}
        return {
            name: value
            for name, value in vars(self).items()
            if name not in left_over or isinstance(value, Module | Parameter)
        }

    def replica(self) -> Self:
        """Return a network that shares parameter values and buffers but has its own gradients.

        The modules and parameters are new, and so are lists, tuples and dictionaries of them and
        the generators that they draw from; all else is shared. What passes left behind stays here.

        Threads each work on a replica: the backward pass keeps its intermediates in the
        module, so one module cannot serve two forward passes at once.
        """
        twin: Self = _twin(self, {})
        return twin

    def for_inference(self) -> Self:
        """Return a network for forward passes alone, with training behaviour off.

        It shares parameters, buffers and generators with this one. Its passes keep nothing for a
        backward pass, so that memory is free again as soon as a layer is done. The way to look at
        a network: it disturbs neither the modes nor a backward pass that is still to come.

        Examples
        --------
        >>> import numpy as np
        >>> from dlcourse.nn import Dropout, Linear, Sequential
        >>> net = Sequential(Linear(2, 1, rng=np.random.default_rng(0)), Dropout(0.5))
        >>> x = np.ones((1, 2), np.float32)
        >>> bool(net.for_inference()(x) == net.eval()(x))
        True
        """
        made: dict[int, Any] = {}
        twin: Self = _twin(self, made, _SHARED | {np.random.Generator})
        dtypes = {part.data.dtype for part in made.values() if isinstance(part, Parameter)}
        alike = dtypes.pop() if len(dtypes) == 1 else None  # or else layers have to convert
        for part in made.values():
            if isinstance(part, Module):
                vars(part).update(training=False, _inference=alike)
        return twin

    def to(self, device: str) -> Self:
        """Move parameters, their gradients and buffers to ``"cpu"`` or ``"cuda"``; return self."""
        return self._convert(lambda array: to_device(array, device))

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert floating-point parameters, their gradients and buffers, and return the module.

        Layers compute in the dtype of their parameters and input: float32 as built, float64
        for checking gradients.
        """
        return self._convert(lambda a: a.astype(dtype, copy=False) if a.dtype.kind == "f" else a)

    def _convert(self, change: Callable[[Array], Array]) -> Self:
        for _, owner, attribute in self._slots():
            setattr(owner, attribute, change(getattr(owner, attribute)))
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = change(parameter.grad)
        return self

    def cpu(self) -> Self:
        """Return the module moved to the CPU, as ``to("cpu")``."""
        return self.to("cpu")

    def cuda(self) -> Self:
        """Return the module moved to the GPU, as ``to("cuda")``."""
        return self.to("cuda")

    def float(self) -> Self:
        """Return the module converted by ``astype(np.float32)``."""
        return self.astype(np.float32)

    def double(self) -> Self:
        """Return the module converted by ``astype(np.float64)``."""
        return self.astype(np.float64)

    def half(self) -> Self:
        """Return the module converted by ``astype(np.float16)``."""
        return self.astype(np.float16)


#: What a replica shares is mostly of these types; `predict` makes one each time.
_SHARED: frozenset[type] = frozenset((bool, int, float, str, type(None), np.ndarray))


def _twin(value: Any, made: dict[int, Any], shared: frozenset[type] = _SHARED) -> Any:
    """Return the replica of what a module holds; `made` has those of all that may stand twice.

    What is of a `shared` type is not copied.
    """
    if id(value) in made:
        return made[id(value)]
    kind: Any = type(value)
    twin: Any
    if isinstance(value, Module):
        twin = made[id(value)] = kind.__new__(kind)
        attributes = vars(twin)
        for name, part in value.__getstate__().items():
            attributes[name] = part if type(part) in shared else _twin(part, made, shared)
        return twin
    if isinstance(value, Parameter):
        twin = made[id(value)] = kind.__new__(kind)
        vars(twin).update(vars(value), grad=None)
        return twin
    if isinstance(value, np.random.Generator):
        twin = made[id(value)] = copy.deepcopy(value)
        return twin
    if kind is tuple and shared.issuperset(map(type, value)):
        return value
    if kind in (list, tuple):
        return kind(part if type(part) in shared else _twin(part, made, shared) for part in value)
    if kind is dict:
        return {name: _twin(part, made, shared) for name, part in value.items()}
    if kind is MethodType:
        return MethodType(value.__func__, _twin(value.__self__, made, shared))
    return value
