"""Boxes: how far two agree, which of many to keep, and how to say where one lies from another.

A box is (left, top, right, bottom) in pixels, as in torchvision. It is `right - left` wide; a box
with no width or no height has no area, and agrees with nothing. Boxes may be whole numbers of any
dtype, with and without sign: they are computed with in float64, and float16 in float32, so that
nothing wraps or overflows.
"""

from __future__ import annotations

import math

import numpy as np

from dlcourse.metrics import descending

#: No box is made larger than its proposal by more than this factor at once (as in torchvision).
_MOST_GROWTH = math.log(1000 / 16)


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the area of each box (N, 4), in square pixels; 0 where a box is inside out.

    Examples
    --------
    >>> area(np.array([[0, 0, 4, 2], [3, 3, 1, 9]]))
    array([8., 0.])
    """
    boxes = _checked(boxes)
    product: np.ndarray = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)
    return product


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each box with each of the others.

    Parameters
    ----------
    boxes : array of shape (N, 4)
        Left, top, right, bottom.
    others : array of shape (M, 4)
        As `boxes`.

    Returns
    -------
    array of shape (N, M)
        From 0 (they do not touch) to 1 (they are the same).

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> box_iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    boxes, others = _checked(boxes), _checked(others)
    least = np.maximum(boxes[:, None, :2], others[None, :, :2])
    most = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(most - least, 0).prod(axis=2)
    union = area(boxes)[:, None] + area(others)[None] - shared
    iou: np.ndarray = shared / np.where(union > 0, union, 1)
    return iou


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """Keep the best of the boxes that mean the same thing: non-maximum suppression.

    The box with the highest score is kept, and all that overlap it by more than the threshold are
    dropped; then the same is done with what is left (Felzenszwalb et al. 2010, section 7.2). A box
    of NaN overlaps nothing, as in torchvision.

    Parameters
    ----------
    boxes : array of shape (N, 4)
        Left, top, right, bottom.
    scores : array of shape (N,)
        How sure the detector is of each; among equals the first comes first.
    iou_threshold : float
        Boxes that overlap by more are taken for the same thing.

    Returns
    -------
    array of int
        Indices of the boxes to keep, from the highest score to the lowest.

    Raises
    ------
    ValueError
        If a shape is wrong, or a score is NaN.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]])
    >>> nms(boxes, np.array([0.8, 0.9, 0.3]), 0.5)
    array([1, 2])
    """
    boxes = _checked(boxes)
    if scores.shape != boxes.shape[:1]:
        raise ValueError(f"scores must have shape {boxes.shape[:1]}, found {scores.shape}")
    order = surest(scores)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[~(box_iou(boxes[best, None], boxes[rest])[0] > iou_threshold)]
    return np.array(kept, np.int64)


def surest(scores: np.ndarray) -> np.ndarray:
    """Return the order of scores (N,), the highest first; equal ones keep their order.

    Raises
    ------
    ValueError
        If a score is NaN, which does not say how sure a detector is.

    Examples
    --------
    >>> surest(np.array([0.5, 0.9, 0.5]))
    array([1, 0, 2])
    """
    order: np.ndarray = descending(scores)
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers, found NaN; check the detector's weights")
    return order


def encode(boxes: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """Return what takes each proposal to its box: four numbers of a size of about 1.

    Shifts of the centre in widths and heights of the proposal, and the logarithms of the factors
    of width and height (Girshick et al. 2014, appendix C).

    Parameters
    ----------
    boxes : array of shape (N, 4)
        Where the things are.
    proposals : array of shape (N, 4)
        Where they were thought to be; each has an area.

    Examples
    --------
    >>> encode(np.array([[10.0, 0.0, 30.0, 20.0]]), np.array([[0.0, 0.0, 20.0, 20.0]]))
    array([[0.5, 0. , 0. , 0. ]])
    """
    middle, size = _middle_and_size(boxes)
    old_middle, old_size = _middle_and_size(proposals)
    return np.concatenate([(middle - old_middle) / old_size, np.log(size / old_size)], axis=1)


def decode(shifts: np.ndarray, proposals: np.ndarray) -> np.ndarray:
    """Return the boxes to which shifts take proposals: the opposite of `encode`.

    Examples
    --------
    >>> decode(np.array([[0.5, 0.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 20.0, 20.0]]))
    array([[10.,  0., 30., 20.]])
    """
    old_middle, old_size = _middle_and_size(proposals)
    middle = old_middle + shifts[:, :2] * old_size
    half = np.exp(np.minimum(shifts[:, 2:], _MOST_GROWTH)) * old_size / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def clip(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the parts of boxes (N, 4) that lie inside a picture of `size` (H, W).

    Examples
    --------
    >>> clip(np.array([[-5, 2, 20, 8]]), (10, 10))
    array([[ 0,  2, 10,  8]])
    """
    height, width = size
    inside = np.clip(_checked(boxes), 0, np.array([width, height, width, height], np.float32))
    parts: np.ndarray = inside.astype(boxes.dtype)
    return parts


def _middle_and_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    boxes = _checked(boxes)
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _checked(boxes: np.ndarray) -> np.ndarray:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"expected boxes of shape (N, 4) as left, top, right, bottom, found {boxes.shape}"
        )
    if boxes.dtype.kind not in "fiu":
        raise ValueError(f"expected boxes of real numbers, found {boxes.dtype}")
    wide = np.float32 if boxes.dtype.kind == "f" else np.float64
    return boxes.astype(np.promote_types(boxes.dtype, wide), copy=False)
