"""Rung 3: im2col. All patches as one matrix, and a single product for each image."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcourse.lessons.ladder.arguments import channels_first, check


def conv_im2col(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve by a matrix product for each image, with memory in the order (N, C, H, W).

    The patches of an image are the columns of a matrix (Chellapilla, Puri and Simard 2006), of
    KH * KW times the memory of the image.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride, padding : int
        Steps between windows, and the border of zeros.

    Returns
    -------
    array of shape (N, O, OH, OW)

    Examples
    --------
    >>> conv_im2col(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    oh, ow = check(x, weight, bias, stride, padding)
    x = channels_first(x, padding)
    outputs, channels, kh, kw = weight.shape
    patches = sliding_window_view(x, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    # A view (N, C, OH, OW, KH, KW) so far; reshaping it in another order copies.
    columns = patches.transpose(0, 1, 4, 5, 2, 3)
    columns = columns.reshape(len(x), channels * kh * kw, oh * ow)
    y: np.ndarray = weight.reshape(outputs, -1) @ columns  # (O, CKK) times (N, CKK, OH OW)
    if bias is not None:
        y += bias[:, None]
    return y.reshape(len(x), outputs, oh, ow)
