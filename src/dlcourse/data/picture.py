"""A reader's own picture of a digit, made into an image like those of MNIST."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from dlcourse.data.photograph import open_picture
from dlcourse.files import FileError

_SIDE = 28  # of the image
_BOX = 20  # the longer side of the digit in it
_CENTRE = 14  # where the digit's centre of mass goes


def load_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a picture of one digit and normalise it as MNIST was.

    Any size and mode will do: a photograph, a scan, a drawing, dark on light or light on dark,
    with transparency or without. The digit is cut out, scaled so that its longer side takes 20
    pixels, and put on 28 x 28 pixels with its centre of mass in the middle (LeCun et al. 1998),
    white on black.

    Parameters
    ----------
    path : path-like
        A PNG or JPEG file, or any other that Pillow reads.

    Returns
    -------
    array of shape (1, 1, 28, 28)
        float32, from 0 to 1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it isn't a picture, is damaged, or shows nothing.

    References
    ----------
    LeCun et al. 1998: Gradient-based learning applied to document recognition.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import ImageDraw
    >>> picture = Image.new("RGB", (200, 100), "white")
    >>> ImageDraw.Draw(picture).line([(120, 20), (120, 80)], fill="navy", width=10)
    >>> path = Path(tempfile.mkdtemp()) / "one.png"
    >>> picture.save(path)
    >>> image = load_picture(path)
    >>> rows = np.flatnonzero(image.any(axis=(0, 1, 3)))
    >>> image.shape, len(rows)
    ((1, 1, 28, 28), 20)
    """
    path = Path(path)
    ink = _ink(_read(path))
    if ink.max() < 0.1:
        raise FileError(
            f"{path}: expected a picture of a digit, found a blank one; "
            "the digit must be much darker or lighter than the ground, all of which is alike"
        )
    # The faint ripples that JPEG leaves around a line are not part of it.
    line = ink > ink.max() / 4
    rows, columns = np.flatnonzero(line.any(axis=1)), np.flatnonzero(line.any(axis=0))
    digit = _scale(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return _place(digit)[None, None]


def _read(path: Path) -> np.ndarray:
    """Return the shades of grey (H, W) in a file, float32 from 0 to 1."""
    picture = open_picture(path)
    if picture.mode == "RGBA":  # whose grey takes many times its memory
        picture.thumbnail((512, 512))
    grey = _grey(picture)
    grey.thumbnail((512, 512))  # enough for a digit, and it averages the grain of a photograph
    return np.asarray(grey, np.float32) / 255


def _grey(picture: Image.Image) -> Image.Image:
    """Return the picture with 8 bits of grey per pixel and nothing transparent."""
    if picture.mode != "RGBA":
        return picture.convert("L")
    grey, alpha = picture.convert("LA").split()
    # What is opaque is the drawing: the ground behind it must be the other end of the scale.
    shade = np.average(np.asarray(grey), weights=np.asarray(alpha) + 1e-6)
    ground = Image.new("L", picture.size, 255 if shade < 128 else 0)
    return Image.composite(grey, ground, alpha)


def _ink(grey: np.ndarray) -> np.ndarray:
    """Return how far each pixel stands out from the ground, from 0 for the ground itself."""
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ground = np.median(edge)
    away: np.ndarray = grey - ground
    # The edge shows how much grain and uneven light there is on the ground alone.
    noise = max(0.04, 6 * float(np.median(np.abs(edge - ground))))
    away[abs(away) < noise] = 0
    # Most of what stands out is the drawing, be it darker or lighter. The brightness of the ground
    # does not tell which: white paper in dim light is nearer to black.
    return (away if away.sum() > 0 else -away).clip(0)


def _scale(digit: np.ndarray) -> np.ndarray:
    """Scale the longer side to 20 pixels and the brightest pixel to 1."""
    height, width = digit.shape
    factor = _BOX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # Pillow averages over all pixels that make up one, the way NIST's scans were reduced.
    scaled = np.array(Image.fromarray(digit).resize(size, Image.Resampling.HAMMING))
    scaled /= scaled.max()
    return scaled.clip(0, 1)


def _place(digit: np.ndarray) -> np.ndarray:
    """Put the digit on a black image, its centre of mass in the middle, to the nearest pixel."""
    image = np.zeros((_SIDE, _SIDE), np.float32)
    spans = []
    for axis, length in enumerate(digit.shape):
        mass = digit.sum(axis=1 - axis)
        start = round(_CENTRE - float(np.average(np.arange(length), weights=mass)))
        start = min(max(start, 0), _SIDE - length)
        spans.append(slice(start, start + length))
    image[tuple(spans)] = digit
    return image
