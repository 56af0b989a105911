"""`Scene`: a picture, and everything known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Names by label. 0 is the ground, as in PASCAL VOC and in torchvision's detectors.
CLASSES = (
    "ground",
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
)


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with K things in it, in the order in which they were laid down.

    Parameters
    ----------
    image : array of shape (3, S, S)
        float32, red, green and blue from 0 to 1.
    labels : array of shape (K,)
        int64, each an index into `names`, never 0.
    masks : array of shape (K, S, S)
        bool, the pixels at which each is seen, without what lies under another.
    boxes : array of shape (K, 4)
        float32, the smallest box around the mask: left, top, right, bottom in pixels. Right and
        bottom are the edges of the last pixels, so that a box's width is right - left.
    small : array of shape (K,)
        bool, whether each is one of the small ones.
    caption : str
        What a person might say about it.
    names : tuple of str
        What each label means.
    """

    image: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    small: np.ndarray
    caption: str
    names: tuple[str, ...] = CLASSES

    @property
    def classes(self) -> np.ndarray:
        """The label of each pixel, int64 of shape (S, S)."""
        labels = np.zeros(self.image.shape[1:], np.int64)
        for label, mask in zip(self.labels, self.masks, strict=True):
            labels[mask] = label
        return labels


def box_of(mask: np.ndarray) -> np.ndarray:
    """Return the smallest box around a mask: left, top, right, bottom.

    Examples
    --------
    >>> mask = np.zeros((5, 5), bool)
    >>> mask[1:3, 2:5] = True
    >>> box_of(mask)
    array([2., 1., 5., 3.], dtype=float32)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
