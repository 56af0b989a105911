"""CuPy's universal functions: with `out`, `casting` and `dtype`, and without NumPy's `where`."""

import re

import numpy as np

from cupy_double import device
from cupy_double.array import _index, _operand, check_dtype, ndarray, store

_NAMES = re.findall(
    r"\w+",
    """
    abs absolute add bitwise_and bitwise_or bitwise_xor ceil cos divide equal exp expm1 floor
    floor_divide fmod greater greater_equal invert isfinite isinf isnan ldexp left_shift less
    less_equal log log1p log2 logaddexp logical_and logical_not logical_or logical_xor maximum
    minimum multiply negative not_equal power reciprocal remainder right_shift rint sign signbit sin
    sqrt square subtract tanh true_divide trunc
    """,
)


class ufunc:  # noqa: N801
    """An element-wise function."""

    def __init__(self, name):
        self._function = getattr(np, name)
        self.name = self.__name__ = name
        self.nin, self.nout = self._function.nin, self._function.nout

    def __call__(self, *args, **kwargs):
        out = kwargs.pop("out", None)
        dtype = kwargs.pop("dtype", None)
        casting = kwargs.pop("casting", "same_kind")
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if isinstance(out, tuple):
            (out,) = out
        if not self.nin <= len(args) <= self.nin + (out is None):
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        if len(args) > self.nin:
            *args, out = args
        operands = [_operand(arg) for arg in args]
        options = {} if dtype is None else {"dtype": check_dtype(dtype)}
        if out is None:
            with np.errstate(all="ignore"):
                return store(self._function(*operands, casting=casting, **options), None)
        if not isinstance(out, ndarray):
            raise TypeError("Output arguments type must be cupy.ndarray")
        if np.broadcast_shapes(out.shape, *(np.shape(o) for o in operands)) != out.shape:
            raise ValueError("Out shape is mismatched")
        device.used(out._memory)
        with np.errstate(all="ignore"):
            self._function(*operands, out=out._a, casting=casting, **options)
        device.written(out._memory)
        return out

    def at(self, a, indices, b=None):
        if self.name != "add":  # the only one here that CuPy has an atomic operation for
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        device.used(a._memory)
        self._function.at(a._a, _index(indices), _operand(b))
        device.written(a._memory)


UFUNCS = {name: ufunc(name) for name in _NAMES}

_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
}
_COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "invert"}


def _add_operators():
    for name, function in {**_OPERATORS, **_COMPARISONS}.items():
        call = UFUNCS[function]
        setattr(ndarray, f"__{name}__", lambda a, b, call=call: call(a, b))
        if name in _OPERATORS:
            setattr(ndarray, f"__r{name}__", lambda a, b, call=call: call(b, a))
            setattr(ndarray, f"__i{name}__", lambda a, b, call=call: call(a, b, out=a))
    for name, function in _UNARY.items():
        setattr(ndarray, f"__{name}__", lambda a, call=UFUNCS[function]: call(a))


_add_operators()
