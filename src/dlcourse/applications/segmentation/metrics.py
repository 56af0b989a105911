"""How good a segmentation is, by the four numbers of Long et al. (2015)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.metrics import confusion_matrix


class SegmentationScores(NamedTuple):
    """The four numbers, each from 0 to 1."""

    pixel_accuracy: float  #: share of the pixels that are right
    mean_accuracy: float  #: the same for each class, and then the mean over classes
    mean_iou: float  #: intersection over union of each class, and then the mean over classes
    frequency_weighted_iou: float  #: each class weighted by how many pixels it has


def pixel_confusion(predicted: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Count how often pixels of each class were given each class.

    The counts of several pictures may be added up.

    Parameters
    ----------
    predicted, known : int array of one shape
        The class of each pixel.
    classes : int
        How many classes there are.

    Returns
    -------
    array of shape (classes, classes)
        Row: what the pixel is. Column: what it was taken for.

    Raises
    ------
    ValueError
        If the shapes differ or a class is out of range.

    Examples
    --------
    >>> pixel_confusion(np.array([[0, 1]]), np.array([[0, 0]]), classes=2)
    array([[1, 1],
           [0, 0]])
    """
    if predicted.shape != known.shape:
        raise ValueError(
            f"expected a prediction for each pixel, found {predicted.shape} for {known.shape}"
        )
    return confusion_matrix(predicted.ravel(), known.ravel(), classes)


def segmentation_scores(confusion: np.ndarray) -> SegmentationScores:
    """Return the scores that follow from counts of `pixel_confusion`.

    A class that no picture has is left out of the means, unless it was predicted: then its
    intersection over union is 0.

    Raises
    ------
    ValueError
        If no pixel was counted.

    Examples
    --------
    >>> scores = segmentation_scores(np.array([[3, 1], [0, 4]]))
    >>> scores.pixel_accuracy, round(scores.mean_iou, 4)  # 7 of 8; the mean of 3/4 and 4/5
    (0.875, 0.775)
    """
    total = confusion.sum()
    if not total:
        raise ValueError("expected at least one pixel, found none")
    right, there = np.diag(confusion), confusion.sum(axis=1)
    union = there + confusion.sum(axis=0) - right
    iou = right[union > 0] / union[union > 0]
    return SegmentationScores(
        float(right.sum() / total),
        float((right[there > 0] / there[there > 0]).mean()),
        float(iou.mean()),
        float((there[union > 0] * iou).sum() / total),
    )
