"""A second array library, which proves that code does not secretly depend on NumPy.

It has NumPy's names and NumPy's results. But its arrays are not NumPy arrays, and nothing turns
one into the other by itself: neither a function of NumPy, nor an operator between the two, nor
``float()``. A GPU library has reasons to refuse that, since its arrays lie in another memory; here
every refusal is a sentence that says what to write instead. (CuPy is a little more lenient: it
takes over when a function of NumPy is given its arrays.)

The library is `xp`: ``from dlcourse.check.strict import xp``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.check.failure import CheckFailed

# fmt: off
#: What stays NumPy's own: dtypes, which all libraries share, and numbers.
_SHARED = ["bool_", "dtype", "e", "finfo", "float16", "float32", "float64", "iinfo", "inf", "int8",
           "int16", "int32", "int64", "nan", "newaxis", "pi", "result_type", "uint8"]
_FUNCTIONS = [
    "abs", "absolute", "add", "arctan", "ceil", "clip", "copysign", "cos", "cosh", "divide",
    "equal", "exp", "exp2", "expm1", "floor", "floor_divide", "greater", "greater_equal",
    "heaviside", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum",
    "mod", "multiply", "nan_to_num", "negative", "not_equal", "power", "reciprocal", "remainder",
    "rint", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
    "true_divide", "trunc", "where",
    "all", "any", "argmax", "argmin", "argsort", "count_nonzero", "cumprod", "cumsum", "diff",
    "max", "mean", "median", "min", "prod", "ptp", "sort", "std", "sum", "take_along_axis", "var",
    "dot", "einsum", "inner", "matmul", "outer", "tensordot", "trace", "vdot",
    "broadcast_to", "concatenate", "copy", "diagonal", "expand_dims", "flip", "hstack",
    "moveaxis", "pad", "ravel", "repeat", "reshape", "roll", "squeeze", "stack", "swapaxes",
    "take", "tile", "transpose", "tril", "triu", "vstack",
    "arange", "empty", "empty_like", "eye", "full", "full_like", "identity",
    "linspace", "ones", "ones_like", "zeros", "zeros_like",
]
#: What gives several arrays.
_SEVERAL = ["broadcast_arrays", "meshgrid", "nonzero", "split", "array_split"]
#: What arrays themselves can do.
_METHODS = [
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumsum", "diagonal",
    "dot", "flatten", "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round",
    "squeeze", "std", "sum", "swapaxes", "take", "trace", "transpose", "var",
]
# fmt: on

_copies_allowed = True


class _Missing(CheckFailed, AttributeError):
    """A name that is not there; ``hasattr`` and ``getattr`` with a default go on to work."""


class StrictArray:
    """An array of this library; made by ``xp.asarray``, ``xp.zeros`` and the like."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    @property
    def shape(self) -> tuple[int, ...]:
        """How long each axis is."""
        return self._values.shape

    @property
    def dtype(self) -> np.dtype:
        """The kind of its values."""
        return self._values.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self._values.ndim

    @property
    def size(self) -> int:
        """How many values there are."""
        return self._values.size

    @property
    def T(self) -> StrictArray:  # noqa: N802  NumPy's name
        """The array with its axes in the opposite order."""
        return StrictArray(self._values.T)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself looks for
            raise AttributeError(name)
        if hasattr(np.ndarray, name):
            raise _Missing(
                f"An array of this library has no {name}; write it with the functions of xp."
            )
        raise _Missing(f"An array has no {name}, neither here nor in NumPy.")

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"StrictArray(dtype={self.dtype}, shape={self.shape})"

    def __getitem__(self, index: Any) -> StrictArray:
        return StrictArray(np.asarray(self._values[_inside(index)]))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._values[_inside(index)] = _inside(value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> StrictArray:
        if method == "__call__" and not options and any(isinstance(i, np.generic) for i in inputs):
            result: StrictArray = _wrapped(ufunc)(*inputs)  # a NumPy number, times an array
            return result
        if any(isinstance(i, np.ndarray) for i in inputs):
            _refuse_numpy()
        raise CheckFailed(
            f"np.{ufunc.__name__} was given an array of another library; take the function from "
            f"that library: xp.{ufunc.__name__}."
        )

    def __array_function__(self, function: Any, *others: Any) -> NoReturn:
        raise CheckFailed(
            f"np.{function.__name__} was given an array of another library; take the function from "
            f"that library: xp.{function.__name__}."
        )

    def __array__(self, *others: Any, **options: Any) -> NoReturn:
        raise CheckFailed(
            "An array of another library would become a NumPy array without being asked to; is "
            "np.asarray, np.array or a write into a NumPy array left in the code?"
        )

    def _number(self) -> NoReturn:
        raise CheckFailed(
            "An array becomes a Python number here (by float(), int(), if or while); on a GPU that "
            "waits for all work so far. Stay within the arrays of xp."
        )

    __float__ = __int__ = __bool__ = __index__ = _number


def asarray(values: Any, dtype: DTypeLike | None = None) -> StrictArray:
    """Copy a NumPy array, a number or a list into this library, as if copying to a GPU.

    Examples
    --------
    >>> xp.asarray(np.zeros((2, 3), np.float32))
    StrictArray(dtype=float32, shape=(2, 3))
    >>> np.exp(xp.asarray([1.0]))
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: np.exp was given an array of another library; take the \
function from that library: xp.exp.
    """
    if isinstance(values, StrictArray):
        return StrictArray(np.asarray(values._values, dtype))
    if isinstance(values, np.ndarray):
        _copies()
    return StrictArray(np.array(values, dtype))


def asnumpy(x: StrictArray) -> np.ndarray:
    """Copy an array out of this library into NumPy; CuPy's function has the same name.

    Examples
    --------
    >>> xp.asnumpy(xp.asarray([1.0, 2.0]) * 2)
    array([2., 4.])
    """
    _copies()
    return x._values.copy()


@contextmanager
def no_copies() -> Iterator[None]:
    """Fail inside the block when an array is copied from or to NumPy.

    Examples
    --------
    >>> x = xp.asarray([1.0])
    >>> with no_copies():
    ...     y = xp.asnumpy(x)
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: An array is copied between NumPy and xp on the way; on a \
GPU that costs more than the work. Compute with xp alone.
    """
    global _copies_allowed
    before, _copies_allowed = _copies_allowed, False
    try:
        yield
    finally:
        _copies_allowed = before


def _copies() -> None:
    if not _copies_allowed:
        raise CheckFailed(
            "An array is copied between NumPy and xp on the way; on a GPU that costs more than the "
            "work. Compute with xp alone."
        )


def _refuse_numpy() -> NoReturn:
    raise CheckFailed(
        "A NumPy array meets an array of another library; np.zeros, np.arange and the like make "
        "NumPy arrays, xp.zeros one of the right library."
    )


def _inside(value: Any) -> Any:
    """Return what NumPy will work with, and refuse NumPy's own arrays."""
    if isinstance(value, StrictArray):
        return value._values
    if isinstance(value, np.ndarray):
        _refuse_numpy()
    if isinstance(value, list | tuple):
        return type(value)(_inside(v) for v in value)
    return value


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> StrictArray:
        inside = {name: _inside(value) for name, value in options.items()}
        return StrictArray(np.asarray(function(*_inside(arguments), **inside)))

    call.__name__ = function.__name__
    call.__doc__ = f"Do as ``numpy.{function.__name__}`` does, on arrays of this library."
    return call


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def change(self: StrictArray, other: Any) -> StrictArray:
        function(self._values, _inside(other))
        return self

    return change


def _several(function: Callable[..., Any]) -> Callable[..., list[StrictArray]]:
    def call(*arguments: Any, **options: Any) -> list[StrictArray]:
        inside = {name: _inside(value) for name, value in options.items()}
        return [StrictArray(np.asarray(x)) for x in function(*_inside(arguments), **inside)]

    return call


class _Library(SimpleNamespace):
    """What `xp` is: names, and a sentence for each that is not there."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        if hasattr(np, name):
            raise _Missing(
                f"The strict library has no {name}; write it with what it has, such as exp, log1p, "
                "maximum, where, sum, einsum, reshape."
            )
        raise _Missing(f"There is no {name}, neither in this library nor in NumPy.")


xp = _Library(
    asarray=asarray,
    ascontiguousarray=asarray,
    array=asarray,
    asnumpy=asnumpy,
    **{name: _several(getattr(np, name)) for name in _SEVERAL},
    **{name: _wrapped(getattr(np, name)) for name in _FUNCTIONS},
    **{name: getattr(np, name) for name in _SHARED},
)
_ARITHMETIC = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
for _name in [*_ARITHMETIC, "and", "or", "xor"]:
    _function = _wrapped(getattr(operator, f"__{_name}__"))
    setattr(StrictArray, f"__{_name}__", _function)
    setattr(StrictArray, f"__r{_name}__", _reflected(_function))
for _name in ["add", "sub", "mul", "truediv", "floordiv", "pow"]:
    setattr(StrictArray, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))
for _name in ["lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert"]:
    setattr(StrictArray, f"__{_name}__", _wrapped(getattr(operator, f"__{_name}__")))
for _name in _METHODS:
    setattr(StrictArray, _name, _wrapped(getattr(np.ndarray, _name)))
