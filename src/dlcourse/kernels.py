"""What kernels in C and in CUDA C have in common: which arrays they take, and how to do without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlcourse.backend import Array

#: What REAL can be in a kernel.
C_NAMES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}

_off = False


def suit(kind: type[Any], arrays: tuple[Array, ...]) -> bool:
    """Tell whether arrays are all of one kind and of one dtype that kernels are made for.

    Parameters
    ----------
    kind : type
        NumPy's or CuPy's ``ndarray``.
    arrays : tuple of arrays
        At least one.

    Examples
    --------
    >>> x = np.zeros(3, np.float32)
    >>> suit(np.ndarray, (x, x)), suit(np.ndarray, (x, x.astype(float)))
    (True, False)
    """
    dtype = getattr(arrays[0], "dtype", None)
    return (
        not _off
        and dtype in C_NAMES
        and all(isinstance(a, kind) and a.dtype == dtype for a in arrays)
    )


@contextmanager
def plain() -> Iterator[None]:
    """Do without kernels inside a ``with`` statement, to compare; in every thread.

    Examples
    --------
    >>> with plain():
    ...     suit(np.ndarray, (np.zeros(3, np.float32),))
    False
    """
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before
