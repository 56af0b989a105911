"""Compiled kernels for the arrays at hand: `dlcourse.native`'s in C, or `dlcourse.cuda`'s.

Both have functions of the same names and parameters, as far as they go.
"""

from __future__ import annotations

from types import ModuleType

from dlcourse import cuda, native
from dlcourse.backend import Array


def kernels_for(*arrays: Array) -> ModuleType | None:
    """Return the module whose kernels can serve these arrays together, or None.

    Where there is none, a layer computes with functions of NumPy or CuPy.

    Examples
    --------
    >>> import numpy as np
    >>> kernels_for(np.zeros(3, np.int64)) is None
    True
    """
    if native.has_kernels(*arrays):
        return native
    return cuda if cuda.has_kernels(*arrays) else None
