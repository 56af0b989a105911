"""Rung 6: by the Fourier transform, where a convolution is a product value by value."""

from __future__ import annotations

import numpy as np

from dlcourse.lessons.ladder.arguments import channels_first, check, only_stride_1


def conv_fft(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve by transforming images and kernels, and transforming their products back.

    The work hardly depends on the size of the kernel (Mathieu, Henaff and LeCun 2014).

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images, float32 or float64.
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

    Examples
    --------
    >>> conv_fft(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2))).round(12)
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    only_stride_1(stride, "conv_fft")
    oh, ow = check(x, weight, bias, stride, padding)
    x = channels_first(x, padding)
    size = tuple(fast_size(length) for length in x.shape[2:])
    images = np.fft.rfft2(x, size)
    # The theorem is about flipped kernels, and ours are not: the conjugate mends that.
    kernels = np.fft.rfft2(weight, size).conj()
    # The sum over channels is a product of (N, C) and (C, O) for each frequency.
    rows = np.ascontiguousarray(images.transpose(2, 3, 0, 1))
    columns = np.ascontiguousarray(kernels.transpose(2, 3, 1, 0))
    products = (rows @ columns).transpose(2, 3, 0, 1)
    # Windows that reach over the border wrap around to the other side; they come last.
    y = np.fft.irfft2(products, size)[:, :, :oh, :ow]
    if bias is not None:
        y += bias[:, None, None]
    return y


def fast_size(length: int) -> int:
    """Return the next length that has no prime factor above 5, for which the FFT is fast.

    Examples
    --------
    >>> [fast_size(n) for n in (30, 31, 226)]
    [30, 32, 240]
    """
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
