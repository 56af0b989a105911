"""Rung 1: the definition, as seven loops."""

from __future__ import annotations

import numpy as np

from dlcourse.lessons.ladder.arguments import channels_first, check


def conv_loops(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve with a loop for each of the seven indices; one multiply-add each time around.

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
    >>> conv_loops(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    oh, ow = check(x, weight, bias, stride, padding)
    x = channels_first(x, padding)
    n_images, channels = x.shape[:2]
    outputs, _, kh, kw = weight.shape
    y = np.zeros((n_images, outputs, oh, ow), x.dtype)
    for n in range(n_images):
        for o in range(outputs):
            for i in range(oh):
                for j in range(ow):
                    for c in range(channels):
                        for u in range(kh):
                            for v in range(kw):
                                value = x[n, c, i * stride + u, j * stride + v]
                                y[n, o, i, j] += value * weight[o, c, u, v]
                    if bias is not None:
                        y[n, o, i, j] += bias[o]
    return y
