"""An explorer of what a classifier reads wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcourse.data import Dataset
from dlcourse.explore.lib.widget import Explorer, Packed, pack
from dlcourse.nn import softmax


@dataclass(frozen=True)
class _Mistake:
    """An image, and the probabilities of its label and of what was read."""

    index: int
    label: int
    read: int
    p_label: float
    p_read: float


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed  #: of the mistakes
    mistakes: list[_Mistake]
    counts: list[list[int]]  #: by label and reading
    classes: list[str]
    total: int


def misclassified(data: Dataset, scores: np.ndarray, most: int = 150) -> Explorer:
    """Look through what a classifier reads wrong, by label and by reading.

    Parameters
    ----------
    data : Dataset
        Grey images with labels.
    scores : array of shape (N, classes)
        What the network gave them.
    most : int
        At most this many mistakes are shown, the surest ones; the table counts all.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> images = Dataset(np.zeros((2, 1, 8, 8), np.float32), np.array([0, 1]), ("cat", "dog"))
    >>> misclassified(images, np.array([[2.0, 1.0], [2.0, 1.0]])).data["counts"]
    [[1, 0], [1, 0]]
    """
    n, classes = len(data), len(data.classes)
    if scores.shape != (n, classes) or data.images.shape[1] != 1:
        raise ValueError(
            f"expected grey images and scores of shape ({n}, {classes}), found images of shape "
            f"{data.images.shape} and scores of shape {scores.shape}"
        )
    probability = softmax(scores)
    read = scores.argmax(axis=1)
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (data.labels, read), 1)
    wrong = np.flatnonzero(read != data.labels)
    wrong = wrong[np.argsort(-probability[wrong, read[wrong]], kind="stable")][:most]
    mistakes = [
        _Mistake(
            index=int(i),
            label=int(data.labels[i]),
            read=int(read[i]),
            p_label=round(float(probability[i, data.labels[i]]), 4),
            p_read=round(float(probability[i, read[i]]), 4),
        )
        for i in wrong
    ]
    content = _Data(
        images=pack(data.images[wrong, 0]),
        mistakes=mistakes,
        counts=counts.tolist(),
        classes=list(data.classes),
        total=n,
    )
    return Explorer("misclassified", "Explorer: what the network reads wrong", content)
