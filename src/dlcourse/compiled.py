"""Compiled kernels for the arrays at hand: `dlcourse.native`'s in C, or `dlcourse.cuda`'s.

Both have functions of the same names and parameters, as far as they go.
"""

from __future__ import annotations

from types import ModuleType

from dlcourse import cuda, native
from dlcourse.backend import Array


def kernels_for(*given: Array | None) -> ModuleType | None:
    """Return the module whose kernels can serve these arrays together, or None.

    Where there is none, a layer computes with functions of NumPy or CuPy. Name all arrays that a
    kernel gets: one of another dtype would be misread. Those that are None are left out.

    Examples
    --------
    >>> import numpy as np
    >>> kernels_for(np.zeros(3, np.int64)) is None
    True
    """
    arrays = [array for array in given if array is not None]
    if native.has_kernels(*arrays):
        return native
    return cuda if cuda.has_kernels(*arrays) else None
