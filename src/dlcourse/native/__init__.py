"""Kernels in C for what NumPy would do in several passes, and functions that call them.

They are the processor's counterpart of `dlcourse.cuda`. The system's compiler makes them when they
are first used. A layer asks `has_kernels` whether they can serve its arrays; where they cannot, it
computes with NumPy.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from dlcourse.native.functions import *  # noqa: F403
from dlcourse.native.library import library

_off = False


def has_kernels(*arrays: np.ndarray) -> bool:
    """Tell whether kernels can serve these arrays (placeholder of infra's)."""
    first = arrays[0]
    if _off or not isinstance(first, np.ndarray):
        return False
    char = first.dtype.char
    return (
        char in "fd"
        and all(isinstance(a, np.ndarray) and a.dtype.char == char for a in arrays[1:])
        and library(first.dtype) is not None
    )


@contextmanager
def plain() -> Iterator[None]:
    """Do without kernels inside a ``with`` statement, to compare."""
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before
