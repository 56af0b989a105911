"""Regions of any shape as squares of one size: what a network with a fixed input needs."""

from __future__ import annotations

import numpy as np

from dlcourse.blas import blas_held


@blas_held()
def warp_regions(
    image: np.ndarray, boxes: np.ndarray, size: int, context: float = 0.1
) -> np.ndarray:
    """Return each region stretched to a square, by linear interpolation.

    It is two matrix products: one mixes rows of the picture into `size` rows, one its columns.
    What lies beyond the picture repeats its edge.

    Parameters
    ----------
    image : array of shape (3, H, W)
        The picture.
    boxes : array of shape (R, 4)
        Left, top, right, bottom.
    size : int
        Height and width of the squares.
    context : float
        The region grows on each side by this share of its size (Girshick et al. 2014,
        appendix A).

    Returns
    -------
    array of shape (R, 3, size, size)
        Of the picture's dtype.

    Raises
    ------
    ValueError
        If a box has no area.

    Examples
    --------
    >>> image = np.arange(16, dtype=np.float32).reshape(1, 4, 4).repeat(3, axis=0)
    >>> warp_regions(image, np.array([[1, 1, 3, 3]]), size=2, context=0)[0, 0]
    array([[ 5.,  6.],
           [ 9., 10.]], dtype=float32)
    """
    if len(boxes) and (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ValueError("expected boxes with some width and height, found one without")
    height, width = image.shape[1:]
    rows = _mixtures(boxes[:, 1], boxes[:, 3], size, height, context).astype(image.dtype)
    columns = _mixtures(boxes[:, 0], boxes[:, 2], size, width, context).astype(image.dtype)
    mixed = np.matmul(rows[:, None], image)  # (R, 3, size, W)
    squares: np.ndarray = np.matmul(mixed, columns[:, None].transpose(0, 1, 3, 2))
    return squares


def _mixtures(
    begin: np.ndarray, end: np.ndarray, size: int, length: int, context: float
) -> np.ndarray:
    """Return how much of each of `length` pixels goes into each of `size`, (R, size, length)."""
    margin = context * (end - begin)
    begin, span = begin - margin, end - begin + 2 * margin
    # Centres of the new pixels, counted in old ones from the centre of the first.
    middles = begin[:, None] + (np.arange(size) + 0.5) / size * span[:, None] - 0.5
    middles = middles.clip(0, length - 1)
    distance = np.abs(middles[..., None] - np.arange(length))
    shares: np.ndarray = np.maximum(1 - distance, 0)
    return shares
