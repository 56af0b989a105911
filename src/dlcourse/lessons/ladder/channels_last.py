"""Rung 4: im2col with the channels of a pixel side by side in memory."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.lessons.ladder.arguments import channels_last, check


def conv_channels_last(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve by one matrix product for all images, with memory in the order (N, H, W, C).

    A row of a patch is then one run of KW * C values, which is fast to copy. And the product comes
    out in the memory order of the output, for any number of images.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images; best in memory as (N, H, W, C), or they are copied.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride, padding : int
        Steps between windows, and the border of zeros.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O).

    Examples
    --------
    >>> conv_channels_last(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    oh, ow = check(x, weight, bias, stride, padding)
    pixels = channels_last(x, padding)
    outputs, channels, kh, kw = weight.shape
    patches = sliding_window_view(pixels, (kh, kw), axis=(1, 2))[:, ::stride, ::stride]
    # A view (N, OH, OW, C, KH, KW); in the new order the last two axes are runs.
    rows = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kh * kw * channels)
    kernels = weight.transpose(2, 3, 1, 0).reshape(-1, outputs)
    y: np.ndarray = rows @ kernels  # (N OH OW, KKC) times (KKC, O)
    if bias is not None:
        y += bias
    return y.reshape(len(x), oh, ow, outputs).transpose(0, 3, 1, 2)
