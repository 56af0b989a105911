"""Pooling: one number for each window, the largest or the mean."""

from __future__ import annotations

from dlcourse.backend import Array, array_module
from dlcourse.nn.module import Module
from dlcourse.nn.windows import Pair, output_size, pad, pair, shifted, unpad


class _Pool2d(Module):
    """What both kinds of pooling share: their windows."""

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "kernel_size", least=1)
        self.stride = self.kernel_size if stride is None else pair(stride, "stride", least=1)
        self.padding = pair(padding, "padding")
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"padding must be at most half of the kernel {self.kernel_size}, "
                f"found {self.padding}"
            )

    def _check(self, x: Array) -> None:
        if x.ndim != 4:
            raise ValueError(f"{type(self).__name__} expects (N, C, H, W), found shape {x.shape}")
        output_size(x.shape[2:], self.kernel_size, self.stride, self.padding)


class MaxPool2d(_Pool2d):
    """The largest value of each window.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int or (int, int), optional
        Steps between windows; the kernel size when left out, so that windows do not overlap.
    padding : int or (int, int)
        Border of minus infinity, at most half of the kernel.

    Notes
    -----
    The gradient goes to the largest value alone; among equals to the first, row by row, as in
    torch.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> MaxPool2d(2)(x)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        self._check(x)
        self._x = pad(x, self.padding, -float("inf"))
        first, *others = shifted(self._x, self.kernel_size, self.stride)
        xp = array_module(x)
        y = first.copy("K")
        for view in others:
            xp.maximum(y, view, out=y)
        self._y = y
        return y

    def backward(self, dy: Array) -> Array:
        xp = array_module(dy)
        dx = xp.zeros_like(self._x)
        overlap = any(s < k for s, k in zip(self.stride, self.kernel_size, strict=True))
        open_ = xp.ones_like(self._y, dtype=bool)  # windows whose largest is not met yet
        for view, target in zip(
            shifted(self._x, self.kernel_size, self.stride),
            shifted(dx, self.kernel_size, self.stride),
            strict=True,
        ):
            hit = view == self._y
            hit &= open_
            open_ ^= hit
            if overlap:
                target += dy * hit
            else:
                xp.multiply(dy, hit, out=target)
        return unpad(dx, self.padding)


class AvgPool2d(_Pool2d):
    """The mean of each window; the zeros of the border count, as in torch by default.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int or (int, int), optional
        Steps between windows; the kernel size when left out.
    padding : int or (int, int)
        Border of zeros, at most half of the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> AvgPool2d(2)(x)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        self._check(x)
        padded = pad(x, self.padding)
        self._padded = padded
        first, *others = shifted(padded, self.kernel_size, self.stride)
        y = first.copy("K")
        for view in others:
            y += view
        y /= len(others) + 1
        return y

    def backward(self, dy: Array) -> Array:
        dx = array_module(dy).zeros_like(self._padded)
        kh, kw = self.kernel_size
        share = dy / (kh * kw)
        for target in shifted(dx, self.kernel_size, self.stride):
            target += share
        return unpad(dx, self.padding)


class GlobalAvgPool(Module):
    """The mean of each channel over the whole image: (N, C, H, W) to (N, C).

    It lets a network take images of any size (Lin, Chen and Yan 2014). In torch:
    ``AdaptiveAvgPool2d(1)`` followed by ``flatten(1)``.

    Examples
    --------
    >>> import numpy as np
    >>> GlobalAvgPool()(np.ones((2, 3, 5, 5), np.float32)).shape
    (2, 3)
    """

    def forward(self, x: Array) -> Array:
        if x.ndim != 4:
            raise ValueError(f"GlobalAvgPool expects (N, C, H, W), found shape {x.shape}")
        self._x = x
        return x.mean(axis=(2, 3))

    def backward(self, dy: Array) -> Array:
        dx = array_module(dy).empty_like(self._x)
        h, w = self._x.shape[2:]
        dx[...] = (dy / (h * w))[:, :, None, None]
        return dx
