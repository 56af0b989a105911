"""Rung 7: Winograd's F(2x2, 3x3), which trades multiplications for additions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.lessons.ladder.arguments import channels_last, check, only_stride_1


def conv_winograd(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve with 3x3 kernels by 16 products for every 2x2 outputs, in place of 36.

    Along one axis, two outputs of a kernel (g0, g1, g2) on four values need four products in place
    of six; along both axes 4 x 4 in place of 6 x 6 (Lavin and Gray 2016).

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images; best in memory as (N, H, W, C), or they are copied.
    weight : array of shape (O, C, 3, 3)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride : int
        1.
    padding : int
        Border of zeros.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O).

    Examples
    --------
    >>> conv_winograd(np.ones((1, 2, 4, 4)), np.ones((1, 2, 3, 3)))
    array([[[[18., 18.],
             [18., 18.]]]])
    """
    only_stride_1(stride, "conv_winograd")
    if weight.shape[2:] != (3, 3):
        raise ValueError(
            f"conv_winograd knows kernels of 3x3 only, found weight of shape {weight.shape}; "
            "take conv_im2col for others"
        )
    oh, ow = check(x, weight, bias, stride, padding)
    down, across = (oh + 1) // 2, (ow + 1) // 2  # tiles of 2x2 outputs, each from 4x4 pixels
    pixels = np.pad(channels_last(x, padding), ((0, 0), (0, oh % 2), (0, ow % 2), (0, 0)))
    tiles = sliding_window_view(pixels, (4, 4), axis=(1, 2))[:, ::2, ::2]
    d = tiles.transpose(4, 5, 0, 1, 2, 3)  # (4, 4, N, down, across, C)
    g = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))  # (3, 3, C, O)

    v = along_both(transform_image, d).reshape(16, -1, x.shape[1])
    u = along_both(transform_kernel, g)
    m = (v @ u).reshape(4, 4, len(x), down, across, -1)  # 16 products; the rest adds
    y = along_both(transform_output, m).reshape(2, 2, len(x), down, across, -1)
    y = y.transpose(2, 3, 0, 4, 1, 5).reshape(len(x), 2 * down, 2 * across, -1)
    if bias is not None:
        y += bias
    return y[:, :oh, :ow].transpose(0, 3, 1, 2)


def along_both(
    transform: Callable[[np.ndarray], list[np.ndarray]], values: np.ndarray
) -> np.ndarray:
    """Transform along the first axis and along the second; the result joins the two."""
    return np.stack([part for row in transform(values) for part in transform(row)])


def transform_image(d: np.ndarray) -> list[np.ndarray]:
    """Return B^T d: what the four products of one axis take of four values."""
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def transform_kernel(g: np.ndarray) -> list[np.ndarray]:
    """Return G g: what the four products of one axis take of three weights."""
    return [g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]]


def transform_output(m: np.ndarray) -> list[np.ndarray]:
    """Return A^T m: two outputs from the four products of one axis."""
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
