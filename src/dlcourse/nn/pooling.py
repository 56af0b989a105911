"""Pooling: one number for each window, the largest or the mean."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dlcourse import native
from dlcourse.backend import Array, array_module, masked, sum_dtype
from dlcourse.kernels import output_size
from dlcourse.nn.kernels.windows import (
    Pair,
    check_images,
    overhang,
    pad,
    pair,
    shifted,
    unpad,
)
from dlcourse.nn.module import Module


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
        over the edge; it has to start inside the image or its border at the top and left.
    return_indices : bool
        Whether to return also where each largest value was, as ``row * W + column`` of the image:
        what `MaxUnpool2d` needs.

    Notes
    -----
    The gradient goes to the largest value alone; among equals to the first, row by row, as in
    torch. NaN counts as larger than any number, and the last of several counts. The border is
    never chosen, not even among values that are all minus infinity. On a GPU this holds only for
    the output: a search for such values would wait for it, so gradient and index may go astray.

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
        check_images("MaxPool2d", x)
        image, windows = x.shape[2:], (self.kernel_size, self.stride, self.padding)
        self._more = overhang(image, *windows) if self.ceil_mode else (0, 0)
        size = output_size((image[0] + self._more[0], image[1] + self._more[1]), *windows)
        self._places = None
        if native.has_kernels(x) and math.prod(self.kernel_size) <= native.MOST_POSITIONS:
            self._shape = x.shape
            y, self._places = native.max_pool(x, *windows, size)
            return (y, self._indices(self._places, image[1])) if self.return_indices else y
        self._x = pad(x, self.padding, -float("inf"), self._more)
        first, *others = shifted(self._x, self.kernel_size, self.stride)
        xp = array_module(x)
        y = first.copy("K")
        for view in others:
            xp.maximum(y, view, out=y)
        self._y = y.copy("K")
        if not self.return_indices:
            return y
        places = xp.zeros_like(y, dtype=np.int64)
        for position, hit in enumerate(self._hits()):
            places += hit * position
        return y, self._indices(places, image[1])

    def _indices(self, places: Array, width: int) -> Array:
        """From places in windows to ``row * width + column`` in an image."""
        xp = array_module(places)
        (sh, sw), (ph, pw) = self.stride, self.padding
        oh, ow = places.shape[2:]
        corner = (xp.arange(oh) * sh - ph)[:, None] * width + xp.arange(ow) * sw - pw
        kw = self.kernel_size[1]
        return (places // kw).astype(np.int64) * width + places % kw + corner

    def _hits(self) -> Iterator[Array]:
        """For each position in the window, yield which windows have their largest value there."""
        xp = array_module(self._y)
        views = list(shifted(self._x, self.kernel_size, self.stride))
        if xp is not np or self._y.size == 0 or self._y.min() > -np.inf:
            open_ = xp.ones_like(self._y, dtype=bool)  # windows whose largest is yet to come
            for view in views:
                hit = view == self._y
                hit &= open_
                open_ ^= hit
                yield hit
            return
        # Some are NaN, which equals nothing, or may equal the border. Slower, and rare.
        size = [
            n - 2 * p - m
            for n, p, m in zip(self._x.shape[2:], self.padding, self._more, strict=True)
        ]
        image = pad(xp.ones((1, 1, *size), bool), self.padding, False, self._more)
        best = xp.full_like(self._y, -np.inf)
        chosen = xp.full_like(self._y, -1, dtype=np.int64)
        for position, (view, inside) in enumerate(
            zip(views, shifted(image, self.kernel_size, self.stride), strict=True)
        ):
            better = inside & ((view > best) | xp.isnan(view) | (chosen < 0))
            best = xp.where(better, view, best)
            chosen = xp.where(better, position, chosen)
        yield from (chosen == position for position in range(len(views)))

    def backward(self, dy: Array) -> Array:
        if self._places is not None:
            geometry = self.kernel_size, self.stride, self.padding
            return native.max_pool_grad(dy, self._places, self._shape, *geometry)
        xp = array_module(dy)
        dx = xp.zeros_like(self._x)
        overlap = any(s < k for s, k in zip(self.stride, self.kernel_size, strict=True))
        targets = shifted(dx, self.kernel_size, self.stride)
        for hit, target in zip(self._hits(), targets, strict=True):
            if overlap:
                target += masked(dy, hit)
            else:
                masked(dy, hit, out=target)
        return unpad(dx, self.padding, self._more)


class AvgPool2d(_Pool2d):
    """The mean of each window; the zeros of the border count, as by default in torch.

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
        check_images("AvgPool2d", x)
        geometry = self.kernel_size, self.stride, self.padding
        size = output_size(x.shape[2:], *geometry)
        self._shape = None
        if native.has_kernels(x):
            self._shape = x.shape
            return native.avg_pool(x, *geometry, size)
        padded = pad(x, self.padding)
        self._padded = padded
        first, *others = shifted(padded, self.kernel_size, self.stride)
        y = first.astype(sum_dtype(x.dtype))
        for view in others:
            y += view
        y /= len(others) + 1
        return y.astype(x.dtype, copy=False)

    def backward(self, dy: Array) -> Array:
        if self._shape is not None:
            geometry = self.kernel_size, self.stride, self.padding
            return native.avg_pool_grad(dy, self._shape, *geometry)
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
        check_images("GlobalAvgPool", x)
        self._x = x
        if native.has_kernels(x):
            side = x.shape[2:]
            return native.avg_pool(x, side, side, (0, 0), (1, 1))[:, :, 0, 0]
        return x.mean(axis=(2, 3))

    def backward(self, dy: Array) -> Array:
        if native.has_kernels(dy, self._x):
            side = self._x.shape[2:]
            return native.avg_pool_grad(dy[:, :, None, None], self._x.shape, side, side, (0, 0))
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
    The mean of a window is the mean of the means of its rows, so the rows of all windows are taken
    together first and then the columns. The gradient goes the same two steps back.

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
        check_images("AdaptiveAvgPool2d", x)
        self._x = x
        rows = _window_means(x.transpose(0, 2, 3, 1), 1, self.output_size[0])
        return _window_means(rows, 2, self.output_size[1]).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> Array:
        h, w = self._x.shape[2:]
        columns = _window_shares(dy.transpose(0, 2, 3, 1), 2, w)
        return _window_shares(columns, 1, h).transpose(0, 3, 1, 2)


def adaptive_windows(size: int, count: int) -> list[tuple[int, int]]:
    """Return where each of `count` windows of `AdaptiveAvgPool2d` begins and ends.

    Examples
    --------
    >>> adaptive_windows(14, 4)
    [(0, 4), (3, 7), (7, 11), (10, 14)]
    """
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _window_means(x: Array, axis: int, count: int) -> Array:
    """The means of `count` windows along an axis of (N, H, W, C)."""
    windows = adaptive_windows(x.shape[axis], count)
    means = [x[_along(axis, window)].mean(axis=axis, keepdims=True) for window in windows]
    return array_module(x).concatenate(means, axis=axis)


def _window_shares(dy: Array, axis: int, size: int) -> Array:
    """Each gradient shared out equally over its window, along an axis that becomes `size`."""
    shape = list(dy.shape)
    shape[axis] = size
    dx = array_module(dy).zeros(shape, dy.dtype)
    for i, (start, end) in enumerate(adaptive_windows(size, dy.shape[axis])):
        dx[_along(axis, (start, end))] += dy[_along(axis, (i, i + 1))] / (end - start)
    return dx


def _along(axis: int, window: tuple[int, int]) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(*window),)
