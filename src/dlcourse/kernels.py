"""What kernels in C and in CUDA C have in common: arrays, windows, and how to do without."""

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


def output_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """Return how many windows fit: ``(H + 2P - D(K - 1) - 1) // S + 1`` for each direction.

    Raises
    ------
    ValueError
        If not even one window fits.

    Examples
    --------
    >>> output_size((28, 28), (3, 3), (2, 2), (1, 1))
    (14, 14)
    """
    height, width = (
        (size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in (0, 1)
    )
    if height < 1 or width < 1:
        raise ValueError(
            f"a window of {kernel[0]}x{kernel[1]} (dilation {dilation}) does not fit an image of "
            f"{size[0]}x{size[1]} with padding {padding}; use a larger image or more padding"
        )
    return height, width


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
