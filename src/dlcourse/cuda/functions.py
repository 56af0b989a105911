"""What the kernels do, on arrays of CuPy for which `has_kernels` holds."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.cuda.kernels import launch, launch_for_each

#: Rows of partial sums that `channel_dot` makes: enough blocks to keep a GPU busy.
_MOST_PARTS = 256


def relu(x: Array) -> tuple[Array, Array]:
    """Return ``max(x, 0)`` and the mask ``not x <= 0``, both in the memory order of `x`."""
    xp = array_module(x)
    x = dense(x)
    y, mask = xp.empty_like(x), xp.empty_like(x, dtype=bool)
    launch_for_each(x.size, "relu", "relu", (x, y, mask), ())
    return y, mask


def im2col(patches: Array, matrix: Array) -> None:
    """Lay patches out as the rows of a matrix.

    Parameters
    ----------
    patches : array of shape (N, OH, OW, KH, KW, C)
        The view that `dlcourse.nn.kernels.patches.windows` makes.
    matrix : contiguous array with the same number of values
        What is written: one patch after another, each as (KH, KW, C).
    """
    steps = (step // patches.itemsize for step in patches.strides)
    numbers = tuple(np.int32(number) for number in (*patches.shape[1:], *steps))
    launch_for_each(matrix.size, "im2col", "im2col", (patches, matrix), numbers)


def channel_dot(a: Array, b: Array) -> Array:
    """Return the sum (C,) over the rows of ``a * b``, both contiguous of shape (rows, C)."""
    rows, channels = a.shape
    parts = min(-(-rows // 8), _MOST_PARTS)
    partial = array_module(a).empty((parts, channels), a.dtype)
    numbers = (np.uint32(channels), np.uint32(rows))
    grid = (-(-channels // 32), parts)
    launch("batch_norm", "channel_dot", (a, b, partial), numbers, grid, (32, 8))
    return partial.sum(axis=0)


def scale_shift(x: Array, scale: Array, shift: Array) -> Array:
    """Return ``x * scale + shift`` for contiguous `x` (rows, C) and numbers (C,)."""
    y = array_module(x).empty_like(x)
    numbers = (np.uint32(x.shape[1]),)
    launch_for_each(x.size, "batch_norm", "scale_shift", (x, scale, shift, y), numbers)
    return y


def batch_norm_grad(dy: Array, centered: Array, slope: Array, offset: Array, scale: Array) -> Array:
    """Return ``(dy + centered * slope + offset) * scale`` for contiguous (rows, C) and (C,)."""
    dx = array_module(dy).empty_like(dy)
    arrays = (dy, centered, slope, offset, scale, dx)
    launch_for_each(dy.size, "batch_norm", "batch_norm_grad", arrays, (np.uint32(dy.shape[1]),))
    return dx


def adam(
    data: Array,
    mean: Array,
    square: Array,
    grad: Array,
    betas: tuple[float, float],
    rate: float,
    eps: float,
) -> None:
    """Take a step of Adam in place: `mean` and `square`, then ``data -= rate * mean / (...)``.

    Parameters
    ----------
    data, mean, square, grad : arrays of one shape, dtype and contiguous memory order
        The weights, the two running means, the gradient.
    betas : (float, float)
        The shares of the means that are kept.
    rate, eps : float
        These include the corrections for the start at zero.
    """
    number = data.dtype.type
    shares = (betas[0], 1 - betas[0], betas[1], 1 - betas[1], rate, eps)
    numbers = tuple(number(share) for share in shares)
    launch_for_each(data.size, "adam", "adam", (data, mean, square, grad), numbers)


def dense(x: Array) -> Array:
    """Return `x`, or a copy if there are gaps between its values, in the same order of axes."""
    like = array_module(x).empty_like(x)
    if like.strides == x.strides:
        return x
    like[...] = x
    return like
