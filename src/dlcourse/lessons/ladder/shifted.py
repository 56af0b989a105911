"""Rung 5: no patches at all. A product for each position in the kernel, on the image as it is."""

from __future__ import annotations

import numpy as np

from dlcourse.lessons.ladder.arguments import channels_last, check, only_stride_1


def conv_shifted(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve by KH * KW matrix products, each of the whole image and one position's weights.

    With its pixels in a row, the image moved by u rows and v columns is the same memory with
    another start. So nothing is copied. Where a line ends, windows reach into the next line;
    these outputs are thrown away. (Anderson et al. 2017 compare such methods.)

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images; best in memory as (N, H, W, C), or they are copied.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride : int
        1; for others too much would be thrown away.
    padding : int
        Border of zeros.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O), with the windows left out in between.

    Examples
    --------
    >>> conv_shifted(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    only_stride_1(stride, "conv_shifted")
    oh, ow = check(x, weight, bias, stride, padding)
    pixels = channels_last(x, padding)
    n_images, height, width, channels = pixels.shape
    outputs, _, kh, kw = weight.shape
    pixels = pixels.reshape(-1, channels)
    kernels = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))  # a matrix for each position
    y = np.zeros((len(pixels), outputs), x.dtype)
    count = len(pixels) - (kh - 1) * width - (kw - 1)  # windows that end within the last image
    for u in range(kh):
        for v in range(kw):
            start = u * width + v
            y[:count] += pixels[start : start + count] @ kernels[u, v]
    if bias is not None:
        y += bias
    return y.reshape(n_images, height, width, outputs)[:, :oh, :ow].transpose(0, 3, 1, 2)
