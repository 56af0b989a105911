"""The geometry that convolution and pooling share: windows sliding over a padded image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.kernels import output_size

#: One number for both directions, or (height, width).
Pair = int | tuple[int, int]


def pair(value: Pair, name: str, least: int = 0) -> tuple[int, int]:
    """Return `value` as (height, width), checked to be whole numbers of at least `least`.

    Examples
    --------
    >>> pair(3, "kernel_size"), pair((1, 2), "stride")
    ((3, 3), (1, 2))
    """
    two = tuple(value) if isinstance(value, Iterable) else (value, value)
    if len(two) != 2 or not all(isinstance(v, int | np.integer) and v >= least for v in two):
        raise ValueError(
            f"{name} must be a whole number of at least {least}, or two of them, found {value!r}"
        )
    return int(two[0]), int(two[1])


def check_images(layer: str, x: Array, channels: int | None = None, factor: int = 1) -> None:
    """Raise an error unless `x` is (N, C, H, W); only N may be 0.

    Parameters
    ----------
    layer : str
        The name of the layer, for the message.
    x : array
        The images.
    channels : int, optional
        How many channels there must be.
    factor : int
        What H and W must be multiples of.

    Raises
    ------
    ValueError
        If the shape is wrong, or images have no row, no column or no channel.

    Examples
    --------
    >>> import numpy as np
    >>> check_images("Conv2d", np.zeros((0, 3, 8, 8)), channels=3)
    """
    if x.ndim != 4 or (channels is not None and x.shape[1] != channels):
        expected = "C" if channels is None else channels
        single = "; a single image is x[None]" if x.ndim == 3 else ""
        raise ValueError(f"{layer} expects (N, {expected}, H, W), found shape {x.shape}{single}")
    if 0 in x.shape[1:]:
        raise ValueError(
            f"{layer} expects images of at least one channel, row and column, found shape {x.shape}"
        )
    if x.shape[2] % factor or x.shape[3] % factor:
        raise ValueError(
            f"{layer} expects images whose sides are multiples of {factor}, found {x.shape}: "
            "pad or resize them"
        )


@dataclass(frozen=True)
class Geometry:
    """How windows lie on an image; all in (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (OH, OW) for an image of `size` (H, W)."""
        return output_size(size, self.kernel, self.stride, self.padding, self.dilation)


def overhang(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> tuple[int, int]:
    """Return how many more rows and columns one more window needs at the bottom and right.

    This is torch's ``ceil_mode``: pixels that the whole windows leave over get a window of their
    own, as long as it starts inside the image or its border at the top and left.

    Examples
    --------
    >>> overhang((112, 112), (3, 3), (2, 2), (0, 0))  # 56 windows instead of 55
    (1, 1)
    >>> overhang((5, 5), (3, 3), (2, 2), (0, 0)), overhang((4, 4), (1, 1), (3, 3), (2, 2))
    ((0, 0), (0, 0))
    """
    more = [0, 0]
    for i, (h, k, s, p) in enumerate(zip(size, kernel, stride, padding, strict=True)):
        left_over = (h + 2 * p - k) % s
        start = (h + 2 * p - k) - left_over + s  # of the window after the last whole one
        if left_over and start < h + p:
            more[i] = start + k - (h + 2 * p)
    return more[0], more[1]


def pad(
    x: Array,
    padding: tuple[int, int],
    value: float = 0.0,
    more: tuple[int, int] = (0, 0),
) -> Array:
    """Return `x` (N, C, H, W) with a border of `value`, lying in memory as (N, H, W, C).

    The border is wider by `more` at the bottom and at the right. Without a border `x` itself
    comes back, in whatever memory order it has.
    """
    if padding == more == (0, 0):
        return x
    n, c, h, w = x.shape
    ph, pw = padding
    framed = array_module(x).empty((n, h + 2 * ph + more[0], w + 2 * pw + more[1], c), x.dtype)
    framed[:, :ph] = framed[:, ph + h :] = value
    framed[:, :, :pw] = framed[:, :, pw + w :] = value
    framed[:, ph : ph + h, pw : pw + w] = x.transpose(0, 2, 3, 1)
    return framed.transpose(0, 3, 1, 2)


def unpad(x: Array, padding: tuple[int, int], more: tuple[int, int] = (0, 0)) -> Array:
    """Return the view of `x` (N, C, H, W) without its border: the opposite of `pad`."""
    ph, pw = padding
    return x[:, :, ph : x.shape[2] - ph - more[0], pw : x.shape[3] - pw - more[1]]


def shifted(
    x: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Iterator[Array]:
    """Yield, for each position in the window row by row, the view of `x` that it sees.

    Each view is (N, C, OH, OW): what one position of the window sees as the window slides.
    Writing to a view writes to `x`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(1, 1, 1, 4)
    >>> [view.ravel().tolist() for view in shifted(x, (1, 2), (1, 2))]
    [[0.0, 2.0], [1.0, 3.0]]
    """
    (sh, sw), (dh, dw) = stride, dilation
    oh, ow = output_size(x.shape[2:], kernel, stride, (0, 0), dilation)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dh, j * dw
            yield x[:, :, top : top + sh * (oh - 1) + 1 : sh, left : left + sw * (ow - 1) + 1 : sw]


def runs(x: np.ndarray) -> np.ndarray:
    """Return a view of `x` in which each run along the last axis is one item of many bytes.

    NumPy takes about as long to begin a run as to copy 16 of its values; between such views it
    copies the runs of a whole line without starting afresh for each.

    Examples
    --------
    >>> runs(np.zeros((2, 3, 4), np.float32)).dtype, runs(np.zeros((2, 3, 4))).shape
    (dtype('V16'), (2, 3))
    """
    return x.view(np.dtype((np.void, x.shape[-1] * x.itemsize)))[..., 0]


def blocks(array: Array, most_bytes: int) -> Iterator[tuple[slice, slice]]:
    """Cut an array of images into blocks of at most this many bytes, but at least a row.

    A block is a number of whole images, or of rows of one image.

    Parameters
    ----------
    array : array of shape (N, OH, ...)
        What is worked on block by block.
    most_bytes : int
        How large a block may be.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.zeros((2, 4, 8), np.float32)  # rows of 32 bytes
    >>> list(blocks(images, 100))  # doctest: +NORMALIZE_WHITESPACE
    [(slice(0, 1, None), slice(0, 3, None)), (slice(0, 1, None), slice(3, 6, None)),
     (slice(1, 2, None), slice(0, 3, None)), (slice(1, 2, None), slice(3, 6, None))]
    """
    n, oh = array.shape[:2]
    row_bytes = math.prod(array.shape[2:]) * array.itemsize
    height = max(1, most_bytes // row_bytes)
    if height < oh:
        for i in range(n):
            for top in range(0, oh, height):
                yield slice(i, i + 1), slice(top, top + height)
    else:
        for i in range(0, n, height // oh):
            yield slice(i, i + height // oh), slice(None)
