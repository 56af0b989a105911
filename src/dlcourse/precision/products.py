"""Matrix products with three separate formats: for storage, for products and for sums."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.precision.formats import Format, carrier, round_to


def matmul(a: Array, b: Array, storage: Format, compute: Format, accumulate: Format) -> Array:
    """Multiply matrices as a machine with these formats does, one term after another.

    ``total = accumulate(total + compute(a[:, k] * b[k, :]))`` for k = 0, 1, ..., where a format
    rounds what it is given. The float16 units of GPUs store float16, multiply exactly, that is in
    float32, and add in float32 (Micikevicius et al. 2018). The loop makes this slow; real
    libraries add in other orders, which changes errors but not what they depend on.

    Parameters
    ----------
    a : array of shape (M, K)
    b : array of shape (K, N)
    storage : Format
        What both matrices are rounded to first.
    compute : Format
        What each product is rounded to.
    accumulate : Format
        What the running sum is rounded to after each addition.

    Returns
    -------
    array of shape (M, N)
        In float64 where a format needs it, otherwise in float32, with values that `accumulate` has.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.precision import FLOAT16, FLOAT32
    >>> ones = np.ones((1, 4096), np.float32)
    >>> matmul(ones, ones.T, FLOAT16, FLOAT32, FLOAT32).item()
    4096.0
    >>> matmul(ones, ones.T, FLOAT16, FLOAT16, FLOAT16).item()  # 2048 + 1 is no float16
    2048.0
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"expected matrices (M, K) and (K, N), found {a.shape} and {b.shape}")
    wide = carrier(compute, accumulate)
    a, b = (round_to(matrix, storage).astype(wide) for matrix in (a, b))
    total = array_module(a).zeros((a.shape[0], b.shape[1]), wide)
    for k in range(a.shape[1]):
        product = round_to(a[:, k, None] * b[k], compute)
        total = round_to(total + product, accumulate)
    return total
