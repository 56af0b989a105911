"""Rung 2: both loops over channels become a product of a matrix and a vector."""

from __future__ import annotations

import numpy as np

from dlcourse.lessons.ladder.arguments import channels_first, check


def conv_channels(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve pixel by pixel: (O, C) weights times the C values of a pixel, added up.

    Five of the seven loops are left; those over input and output channels run inside NumPy.

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
    >>> conv_channels(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    oh, ow = check(x, weight, bias, stride, padding)
    x = channels_first(x, padding)
    outputs, _, kh, kw = weight.shape
    y = np.zeros((len(x), outputs, oh, ow), x.dtype)
    for n in range(len(x)):
        for i in range(oh):
            for j in range(ow):
                for u in range(kh):
                    for v in range(kw):
                        pixel = x[n, :, i * stride + u, j * stride + v]
                        y[n, :, i, j] += weight[:, :, u, v] @ pixel
                if bias is not None:
                    y[n, :, i, j] += bias
    return y
