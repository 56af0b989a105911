"""Max and average pooling on images (N, C, H, W), which lie in memory as (N, H, W, C).

Images that lie there in another way are copied first. Every window has a pixel of the image.
"""

from __future__ import annotations

import functools

import numpy as np

from dlcourse.native.calls import Kernel

_max, _max_grad = Kernel("max_pool", "abab"), Kernel("max_pool_grad", "abba")
_avg, _avg_grad = Kernel("avg_pool", "aba"), Kernel("avg_pool_grad", "aba")

#: Positions of a window of `max_pool`, which are kept in a byte each.
MOST_POSITIONS = 256

_Pair = tuple[int, int]
_Shape = tuple[int, ...]


def max_pool(
    x: np.ndarray,
    kernel: _Pair,
    stride: _Pair,
    padding: _Pair,
    size: _Pair,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest value of each window, and where in the window it was.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    kernel, stride, padding : (int, int)
        The windows, of `MOST_POSITIONS` at most.
    size : (int, int)
        How many windows there are along both sides, OH and OW.
    out : array of shape (N, C, OH, OW), optional
        Where to write; in memory (N, OH, OW, C) without gaps.

    Returns
    -------
    y : array of shape (N, C, OH, OW)
        The largest values.
    places : uint8 array of shape (N, C, OH, OW)
        ``row * kernel[1] + column``, in the window.

    Examples
    --------
    >>> x = np.array([[[[1.0, 4.0], [3.0, 2.0]]]])
    >>> y, places = max_pool(x, (2, 2), (2, 2), (0, 0), (1, 1))
    >>> y.item(), places.item()
    (4.0, 1)
    """
    n, c, *_ = shape = x.shape
    y = _images((n, c, *size), x.dtype, out)
    places = np.empty((n, *size, c), np.uint8)
    _max(_lines(x), _geometry(shape, kernel, stride, padding, size), y, places)
    return y, places.transpose(0, 3, 1, 2)


def max_pool_grad(
    dy: np.ndarray,
    places: np.ndarray,
    shape: _Shape,
    kernel: _Pair,
    stride: _Pair,
    padding: _Pair,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the gradient for images of a shape, from that of `max_pool`'s output.

    Examples
    --------
    >>> dy, places = np.full((1, 1, 1, 1), 5.0), np.full((1, 1, 1, 1), 1, np.uint8)
    >>> max_pool_grad(dy, places, (1, 1, 2, 2), (2, 2), (2, 2), (0, 0))[0, 0]
    array([[0., 5.],
           [0., 0.]])
    """
    dx = _images(shape, dy.dtype, out)
    geometry = _geometry(shape, kernel, stride, padding, dy.shape[2:])
    _max_grad(_lines(dy), _lines(places), geometry, dx)
    return dx


def avg_pool(
    x: np.ndarray,
    kernel: _Pair,
    stride: _Pair,
    padding: _Pair,
    size: _Pair,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the mean of each window, among them the zeros of the border; see `max_pool`.

    Examples
    --------
    >>> avg_pool(np.ones((1, 1, 2, 2)), (2, 2), (2, 2), (1, 1), (2, 2))[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    n, c, *_ = shape = x.shape
    y = _images((n, c, *size), x.dtype, out)
    _avg(_lines(x), _geometry(shape, kernel, stride, padding, size), y)
    return y


def avg_pool_grad(
    dy: np.ndarray,
    shape: _Shape,
    kernel: _Pair,
    stride: _Pair,
    padding: _Pair,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the gradient for images of a shape, from that of `avg_pool`'s output.

    Examples
    --------
    >>> avg_pool_grad(np.ones((1, 1, 1, 1)), (1, 1, 2, 2), (2, 2), (2, 2), (0, 0))[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    dx = _images(shape, dy.dtype, out)
    _avg_grad(_lines(dy), _geometry(shape, kernel, stride, padding, dy.shape[2:]), dx)
    return dx


def _lines(x: np.ndarray) -> np.ndarray:
    """Images as they are to lie in memory, (N, H, W, C)."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def _images(shape: _Shape, dtype: np.dtype, out: np.ndarray | None) -> np.ndarray:
    n, c, h, w = shape
    if out is None:
        return np.empty((n, h, w, c), dtype).transpose(0, 3, 1, 2)
    if out.shape != shape or out.dtype != dtype or not out.transpose(0, 2, 3, 1).flags.c_contiguous:
        raise ValueError(
            f"out must be an array of shape {shape} and dtype {dtype} that lies in memory as "
            f"(N, H, W, C), found shape {out.shape}, dtype {out.dtype} and strides {out.strides}"
        )
    return out


@functools.lru_cache(1024)
def _geometry(
    shape: _Shape, kernel: _Pair, stride: _Pair, padding: _Pair, size: _Pair
) -> np.ndarray:
    n, c, h, w = shape
    return np.array([n, h, w, c, *kernel, *stride, *padding, *size], np.intp)
