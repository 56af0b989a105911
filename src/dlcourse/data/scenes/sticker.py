"""A handwritten digit, enlarged, turned, and cut out with a margin of paper around its line."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter


class Sticker(NamedTuple):
    """A digit placed on an otherwise empty picture of S x S pixels."""

    ink: np.ndarray  #: (S, S), how much of each pixel the line covers, 0 to 1
    paper: np.ndarray  #: (S, S), how much of each pixel the sticker covers, 0 to 1

    @property
    def mask(self) -> np.ndarray:
        """The pixels that are more than half covered, bool (S, S)."""
        return self.paper > 0.5


def place(
    digit: np.ndarray, size: int, centre: tuple[float, float], height: float, degrees: float
) -> Sticker:
    """Return a digit as a sticker at a place in a picture.

    The paper reaches an eighth of the height beyond the line, and fills what the line surrounds.

    Parameters
    ----------
    digit : array of shape (28, 28)
        An image of MNIST, from 0 to 1.
    size : int
        Height and width S of the picture in pixels.
    centre : (float, float)
        x and y of the digit's centre, in pixels.
    height : float
        The height of a digit that fills MNIST's 20 pixels, in pixels.
    degrees : float
        How far it is turned, clockwise.

    Examples
    --------
    >>> bar = np.zeros((28, 28), np.float32)
    >>> bar[4:24, 12:16] = 1
    >>> sticker = place(bar, 64, (32, 32), 40, 0)
    >>> int(np.flatnonzero(sticker.ink.any(axis=1)).size), bool(sticker.mask[32, 32])
    (42, True)
    """
    zoom = height / 20
    cos, sin = math.cos(math.radians(degrees)) / zoom, math.sin(math.radians(degrees)) / zoom
    x, y = centre
    # Pillow needs to know where in the digit each pixel of the picture comes from.
    matrix = (cos, sin, 14 - cos * x - sin * y, -sin, cos, 14 + sin * x - cos * y)
    ink = Image.fromarray((digit * 255).astype(np.uint8)).transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    # All that is nearer to the line than the margin: half of what a blur of its width leaves.
    margin = height / 8
    near = ink.filter(ImageFilter.GaussianBlur(margin / 2))
    paper = np.asarray(near, np.float32) / 255
    paper = ((paper - 0.06) * 16).clip(0, 1)
    return Sticker(np.asarray(ink, np.float32) / 255, np.maximum(paper, _holes(paper)))


def _holes(paper: np.ndarray) -> np.ndarray:
    """Return 1 where there is paper to the left, to the right, above and below; 0 elsewhere."""
    covered = paper > 0.5
    inside = np.ones_like(covered)
    for axis in (0, 1):
        for side in (covered, np.flip(covered, axis)):
            passed = np.maximum.accumulate(side, axis)
            inside &= passed if side is covered else np.flip(passed, axis)
    return inside.astype(np.float32)
