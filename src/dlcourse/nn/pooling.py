"""Pooling: one number for each window, the largest or the mean."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.nn.module import Module
from dlcourse.nn.windows import Pair, output_size, overhang, pad, pair, shifted, unpad


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
    ceil_mode : bool
        Whether pixels that the whole windows leave over get a window of their own, which hangs
        over the edge; it has to start inside of the image or its border at the top and left.
    return_indices : bool
        Whether to return also where each largest value was, as ``row * W + column`` of the image:
        what `MaxUnpool2d` needs.

    Notes
    -----
    The gradient goes to the largest value alone; among equals to the first, row by row, as in
    torch.

    Examples
    --------
    >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> MaxPool2d(2)(x)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    >>> MaxPool2d(3, ceil_mode=True)(x)[0, 0]
    array([[10., 11.],
           [14., 15.]], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.return_indices = return_indices

    def forward(self, x: Array) -> Array:
        self._check(x)
        geometry = x.shape[2:], self.kernel_size, self.stride, self.padding
        self._more = overhang(*geometry) if self.ceil_mode else (0, 0)
        if self._more == (0, 0):
            output_size(*geometry)  # says so if not even one window fits
        self._x = pad(x, self.padding, -float("inf"), self._more)
        first, *others = shifted(self._x, self.kernel_size, self.stride)
        xp = array_module(x)
        y = first.copy("K")
        for view in others:
            xp.maximum(y, view, out=y)
        self._y = y
        return (y, self._indices(x.shape[3])) if self.return_indices else y

    def _indices(self, width: int) -> Array:
        """Where in the image, ``row * width + column``, the largest of each window was."""
        xp = array_module(self._y)
        kw, (sh, sw), (ph, pw) = self.kernel_size[1], self.stride, self.padding
        oh, ow = self._y.shape[2:]
        corner = (xp.arange(oh) * sh - ph)[:, None] * width + xp.arange(ow) * sw - pw
        indices = xp.zeros_like(self._y, dtype=np.int64)
        open_ = xp.ones_like(self._y, dtype=bool)  # as in `backward`: the first of equals counts
        for position, view in enumerate(shifted(self._x, self.kernel_size, self.stride)):
            hit = view == self._y
            hit &= open_
            open_ ^= hit
            indices += hit * (corner + (position // kw * width + position % kw))
        return indices

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
        return unpad(dx, self.padding, self._more)


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
    >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> AvgPool2d(2)(x)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """

    def forward(self, x: Array) -> Array:
        self._check(x)
        output_size(x.shape[2:], self.kernel_size, self.stride, self.padding)
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


class AdaptiveAvgPool2d(Module):
    """The mean of windows that divide an image of any size into a grid of a given size.

    Along a side of H pixels, window i of O goes from ``floor(i H / O)`` up to
    ``ceil((i + 1) H / O)``. All windows are equal where O divides H; otherwise they overlap, and
    lengths differ by one pixel at most. Linear layers can follow, whatever the size of the image.

    Parameters
    ----------
    output_size : int or (int, int)
        Height and width of the grid.

    Notes
    -----
    A mean is a weighted sum, so the layer is two products of matrices, ``y = A x B'`` for each
    channel, and its gradient ``dx = A' dy B``.

    Examples
    --------
    >>> x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    >>> AdaptiveAvgPool2d(2)(x)[0, 0].round(3)  # windows of 3 pixels, which share the middle
    array([[ 6.,  8.],
           [16., 18.]], dtype=float32)
    """

    def __init__(self, output_size: Pair) -> None:
        super().__init__()
        self.output_size = pair(output_size, "output_size", least=1)

    def forward(self, x: Array) -> Array:
        if x.ndim != 4 or 0 in x.shape[2:]:
            raise ValueError(f"AdaptiveAvgPool2d expects (N, C, H, W), found shape {x.shape}")
        xp = array_module(x)
        self._down = _means(xp, x.shape[2], self.output_size[0], x.dtype)
        self._across = _means(xp, x.shape[3], self.output_size[1], x.dtype)
        return _both_ways(x, self._down, self._across)

    def backward(self, dy: Array) -> Array:
        return _both_ways(dy, self._down.T, self._across.T)


def adaptive_windows(size: int, count: int) -> list[tuple[int, int]]:
    """Return where each of `count` windows of `AdaptiveAvgPool2d` begins and ends.

    Examples
    --------
    >>> adaptive_windows(14, 4)
    [(0, 4), (3, 7), (7, 11), (10, 14)]
    """
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _means(xp: ModuleType, size: int, count: int, dtype: np.dtype) -> Array:
    """The matrix (count, size) whose product with a column is the mean in each window."""
    matrix = np.zeros((count, size), dtype)
    for row, (start, end) in zip(matrix, adaptive_windows(size, count), strict=True):
        row[start:end] = 1 / (end - start)
    return xp.asarray(matrix)


def _both_ways(x: Array, down: Array, across: Array) -> Array:
    """``down @ image @ across.T`` for each channel of (N, C, H, W); in memory (N, H, W, C)."""
    n, c, h, w = x.shape
    y = down @ x.transpose(0, 2, 3, 1).reshape(n, h, w * c)
    y = across @ y.reshape(-1, w, c)
    return y.reshape(n, len(down), len(across), c).transpose(0, 3, 1, 2)
