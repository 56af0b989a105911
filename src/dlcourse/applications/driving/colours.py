"""The simplest segmenter: what a pixel is, judged by its colour alone."""

from __future__ import annotations

import numpy as np

from dlcourse.applications.driving.labels import CLASSES

_LEVELS = 16  # of red, green and blue each: 4096 colours


class ColourTable:
    """The most frequent class of each of 4096 colours, counted on pictures with known classes.

    Apart from the rounding of colours, no rule that uses one pixel's colour can be right more
    often on the pictures counted. So it shows what colours alone tell.

    Examples
    --------
    >>> table = ColourTable()
    >>> table.count(np.full((1, 2, 2, 3), 100, np.uint8), np.ones((1, 2, 2), np.uint8))
    >>> table.predict(np.full((1, 1, 1, 3), 101, np.uint8))
    array([[[1]]])
    """

    def __init__(self) -> None:
        self.counts = np.zeros((_LEVELS**3, len(CLASSES)), np.int64)

    def count(self, frames: np.ndarray, classes: np.ndarray) -> None:
        """Learn from pictures (N, H, W, 3) of uint8 and their classes (N, H, W)."""
        pairs = _colour(frames) * len(CLASSES) + classes
        self.counts += np.bincount(pairs.ravel(), minlength=self.counts.size).reshape(
            self.counts.shape
        )

    def predict(self, frames: np.ndarray) -> np.ndarray:
        """Return the class of each pixel, (N, H, W); the commonest for a colour never met."""
        best = self.counts.argmax(axis=1)
        best[self.counts.sum(axis=1) == 0] = self.counts.sum(axis=0).argmax()
        found: np.ndarray = best[_colour(frames)]
        return found


def _colour(frames: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(frames.astype(np.int64) * _LEVELS // 256, -1, 0)
    colour: np.ndarray = (red * _LEVELS + green) * _LEVELS + blue
    return colour
