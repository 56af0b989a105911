"""Images as matrices of whole lines, along which arithmetic with numbers per channel is fast."""

from __future__ import annotations

from dlcourse.backend import Array, sum_dtype


def as_lines(x: Array) -> Array:
    """(N, C, H, W) as (N, H, W * C): no copy where memory is channels-last.

    float16 becomes float32, since sums would not fit.

    NumPy runs along whole lines of an image several times faster than along the few channels
    of one pixel, so numbers per channel are repeated W times with ``tile``.
    """
    n, c, h, w = x.shape
    return x.transpose(0, 2, 3, 1).reshape(n, h, w * c).astype(sum_dtype(x.dtype), copy=False)


def as_images(lines: Array, shape: tuple[int, int, int, int]) -> Array:
    """The opposite of `as_lines`: a view of `shape` (N, C, H, W)."""
    n, c, h, w = shape
    return lines.reshape(n, h, w, c).transpose(0, 3, 1, 2)
