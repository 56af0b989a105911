"""Calling a function of the compiled library with arrays and numbers."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from dlcourse.backend import same_order
from dlcourse.native.library import library
from dlcourse.workers import threads_for

_C_TYPES = {
    "a": ctypes.c_void_p,
    "b": ctypes.c_void_p,
    "n": ctypes.c_ssize_t,
    "r": ctypes.c_double,
}

_from_buffer = ctypes.c_char.from_buffer


class Kernel:
    """A C function; it gets the dtype of its first argument, and last the number of threads.

    Parameters
    ----------
    name : str
        What it is called in C.
    parameters : str
        A letter for each but the last: ``a`` an array of the dtype of the first, which may be None
        where the function allows it; ``b`` one of a dtype of its own, such as a mask; ``n`` a whole
        number; ``r`` a real one, a double in C whatever the dtype.
    may_fail : bool
        Whether it returns a number: 1 where it gets no memory.
    """

    def __init__(self, name: str, parameters: str, *, may_fail: bool = False) -> None:
        self._name = name
        self._letters = parameters[1:]
        self._types = [*(_C_TYPES[letter] for letter in parameters), ctypes.c_int]
        self._may_fail = may_fail
        self._functions: dict[str, Any] = {}  # by the letter of a dtype

    def __call__(self, first: np.ndarray, *others: Any, threads: int | None = None) -> int:
        """Call it on contiguous memory, which nothing here checks; return its number, or 0."""
        dtype = first.dtype
        function = self._functions.get(dtype.char) or self._found(dtype)
        given = [_address(first)]
        for letter, x in zip(self._letters, others, strict=True):
            if not isinstance(x, np.ndarray):
                given.append(x)
            elif letter == "a" and x.dtype != dtype:  # it would be misread, and read beyond its end
                raise TypeError(f"{self._name} takes arrays of one dtype, found {dtype}, {x.dtype}")
            else:
                given.append(_address(x))
        failed = function(*given, threads or threads_for(first))
        if failed == 1:
            raise MemoryError(f"no memory for the sums of {self._name}")
        return failed or 0

    def _found(self, dtype: np.dtype) -> Any:
        function = getattr(library(dtype), self._name)
        function.argtypes = self._types
        function.restype = ctypes.c_int if self._may_fail else None
        self._functions[dtype.char] = function
        return function


def _address(x: np.ndarray) -> int:
    """Return where an array begins; at batch 1 a quarter of the usual way's time shows."""
    try:
        return ctypes.addressof(_from_buffer(x))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only, empty or in another order
        address: int = x.__array_interface__["data"][0]
        return address


def result(like: np.ndarray, out: np.ndarray | None, dtype: np.dtype | None = None) -> np.ndarray:
    """Return `out`, or a new array in the shape and memory order of another; it has no gaps.

    Parameters
    ----------
    like : array
        The other array.
    out : array or None
        What a caller has given.
    dtype : dtype, optional
        Of the result, if it is not that of the other array.

    Raises
    ------
    ValueError
        If `out` has gaps, or another shape or dtype.

    Examples
    --------
    >>> result(np.zeros((2, 3)).T, None).strides
    (8, 24)
    """
    if out is None:
        return np.empty_like(like, dtype=dtype)
    dtype = dtype or like.dtype
    if out.shape != like.shape or out.dtype != dtype or not same_order(out):
        raise ValueError(
            f"out must be an array of shape {like.shape} and dtype {dtype} without gaps, "
            f"found shape {out.shape}, dtype {out.dtype} and strides {out.strides}"
        )
    return out
