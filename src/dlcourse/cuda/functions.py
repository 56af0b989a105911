"""What the kernels do, on arrays of CuPy for which `has_kernels` holds."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module, masked
from dlcourse.cuda.kernels import launch, launch_for_each

#: Rows of partial sums that `channel_dot` makes: enough blocks to keep a GPU busy.
_MOST_PARTS = 256


def relu(x: Array) -> tuple[Array, Array]:
    """Return ``max(x, 0)``, and what `relu_grad` needs: here the mask ``not x <= 0``.

    Both lie in the memory order of `x`.
    """
    xp = array_module(x)
    x = dense(x)
    y, mask = xp.empty_like(x), xp.empty_like(x, dtype=bool)
    launch_for_each(x.size, "relu", "relu", (x, y, mask), ())
    return y, mask


def relu_grad(dy: Array, kept: Array) -> Array:
    """Return `dy` where `relu` let its input through, and 0 elsewhere."""
    return masked(dy, kept)


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


def channel_moments(x: Array) -> tuple[Array, Array]:
    """Return the mean and the variance (C,) of each channel of contiguous `x` (rows, C)."""
    mean = _row_sum(x) / len(x)
    return mean, channel_dot(x, x, mean, mean) / len(x)


def channel_sums(dy: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """Return the sums (C,) over the rows of `dy`, and of ``dy * (x - mean)``."""
    return _row_sum(dy), channel_dot(dy, x, None, mean)


def channel_dot(
    a: Array, b: Array, mean_a: Array | None = None, mean_b: Array | None = None
) -> Array:
    """Return the sum (C,) over the rows of ``(a - mean_a) * (b - mean_b)``.

    Both are contiguous of shape (rows, C); a mean that is left out is 0.
    """
    rows, channels = a.shape
    parts = min(-(-rows // 8), _MOST_PARTS)
    partial = array_module(a).empty((parts, channels), a.dtype)
    numbers = (np.uint32(channels), np.uint32(rows))
    grid = (-(-channels // 32), parts)
    arrays = (a, _or_zeros(mean_a, a), b, _or_zeros(mean_b, b), partial)
    launch("batch_norm", "channel_dot", arrays, numbers, grid, (32, 8))
    return partial.sum(axis=0)


def scale_shift(x: Array, scale: Array, shift: Array, mean: Array | None = None) -> Array:
    """Return ``(x - mean) * scale + shift`` for contiguous `x` (rows, C) and numbers (C,)."""
    y = array_module(x).empty_like(x)
    numbers = (np.uint32(x.shape[1]),)
    arrays = (x, _or_zeros(mean, x), scale, shift, y)
    launch_for_each(x.size, "batch_norm", "scale_shift", arrays, numbers)
    return y


def batch_norm_grad(
    dy: Array, x: Array, slope: Array, offset: Array, scale: Array, mean: Array | None = None
) -> Array:
    """Return ``(dy + (x - mean) * slope + offset) * scale`` for contiguous (rows, C) and (C,)."""
    dx = array_module(dy).empty_like(dy)
    arrays = (dy, x, _or_zeros(mean, x), slope, offset, scale, dx)
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
    weight_decay: float = 0.0,
    shrink: float = 1.0,
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
    weight_decay : float
        ``weight_decay * data`` is added to the gradient.
    shrink : float
        What the weights are multiplied by before the step.
    """
    number = data.dtype.type
    shares = (betas[0], 1 - betas[0], betas[1], 1 - betas[1])
    numbers = tuple(map(number, (*shares, rate, eps, weight_decay, shrink)))
    launch_for_each(data.size, "adam", "adam", (data, mean, square, grad), numbers)


def dense(x: Array) -> Array:
    """Return `x`, or a copy if there are gaps between its values, in the same order of axes."""
    like = array_module(x).empty_like(x)
    if like.strides == x.strides:
        return x
    like[...] = x
    return like


def _or_zeros(numbers: Array | None, like: Array) -> Array:
    """Numbers per channel, or zeros."""
    return array_module(like).zeros(like.shape[1], like.dtype) if numbers is None else numbers


def _row_sum(x: Array) -> Array:
    """A product with ones, which is faster than a sum over the first axis."""
    return array_module(x).ones(len(x), x.dtype) @ x
