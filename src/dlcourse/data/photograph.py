"""Photographs and paintings: read as arrays of colours, and written."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dlcourse.files import Found, atomic_write, reading

#: The same as Pillow's own limit for a warning; a copy of such a picture takes 360 MB.
_MOST_PIXELS = 89_478_485
#: The most of a JPEG. Pillow keeps some bytes for each row, and a scaled row takes some for each
#: of its pixels.
_MOST_SIDE = 65_535
#: So many pixels take no more, in red, green and blue. Some formats are searched to their end.
_MOST_BYTES = 2**28
#: The largest numbers in pictures of more than 8 bits: of 12 bits, as from a scanner or a
#: microscope, and of 16.
_WHITE = (1, 255, 4095, 65535)


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Read a picture, turned as its camera was held, with 8 bits per colour.

    Grey of more bits, or of real numbers, is taken to reach from black at 0 to white at the least
    of 1, 255, 4095 and 65535 that no pixel is above.

    Returns
    -------
    PIL.Image.Image
        Of mode L or RGB, or RGBA where it has transparency.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it isn't a picture, is damaged, has more than 89 million pixels or a side of more than
        65,535, or takes more than 268 MB.
    """
    with reading(path, "a picture", "save it as PNG or JPEG"):
        if os.path.getsize(path) > _MOST_BYTES:
            raise Found(f"a file of more than {_MOST_BYTES:,} bytes")
        Image.init()
        # PostScript is a program, which Pillow would have another program run.
        formats = [name for name in Image.ID if name != "EPS"]
        try:
            with Image.open(path, formats=formats) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise Image.DecompressionBombError
                if max(picture.size) > _MOST_SIDE:
                    raise Found(f"one with a side of more than {_MOST_SIDE:,} pixels")
                picture.load()
                ImageOps.exif_transpose(picture, in_place=True)
                return _eight_bits(picture)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise Found(f"one of more than {_MOST_PIXELS:,} pixels") from None


def colour_picture(picture: str | os.PathLike[str] | np.ndarray) -> Image.Image:
    """Return a picture in red, green and blue; what is transparent becomes white.

    Parameters
    ----------
    picture : path-like or array
        A file that Pillow reads, or an array of shape (H, W, 3) and dtype uint8.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it isn't a picture, or is damaged.
    """
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                "expected a picture of shape (H, W, 3) and dtype uint8, "
                f"found {picture.shape} and {picture.dtype}"
            )
        if picture.size == 0:
            raise ValueError(f"expected a picture of at least one pixel, found {picture.shape}")
        return Image.fromarray(picture)
    image = open_picture(picture)
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def load_photograph(picture: str | os.PathLike[str] | np.ndarray, size: int) -> np.ndarray:
    """Return a picture as an array of colours, its longer side brought to `size` pixels.

    Parameters
    ----------
    picture : path-like or array
        A file that Pillow reads, or an array of shape (H, W, 3) and dtype uint8. What is
        transparent becomes white.
    size : int
        Pixels of the longer side.

    Returns
    -------
    array of shape (1, 3, H, W)
        Red, green and blue, float32 from 0 to 1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it isn't a picture, or is damaged.

    Examples
    --------
    >>> load_photograph(np.full((300, 400, 3), 255, np.uint8), 96).shape
    (1, 3, 72, 96)
    """
    image = colour_picture(picture)
    scale = size / max(image.size)
    shape = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Pillow averages over all pixels that make up one.
    image = image.resize(shape, Image.Resampling.LANCZOS)
    values: np.ndarray = np.asarray(image, np.float32) / np.float32(255)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Return an image (1, 3, H, W) from 0 to 1 as (H, W, 3) of uint8, to be shown.

    Examples
    --------
    >>> to_bytes(np.full((1, 3, 1, 1), 0.5, np.float32))
    array([[[128, 128, 128]]], dtype=uint8)
    """
    values = np.clip(image[0].transpose(1, 2, 0), 0, 1)
    return np.ascontiguousarray(np.rint(255 * values).astype(np.uint8))


def save_photograph(image: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write an image (1, 3, H, W) from 0 to 1 as a picture, whole or not at all.

    The end of the name says the format: .png, .jpg, .webp or another that Pillow writes.

    Raises
    ------
    ValueError
        If Pillow writes no such format.
    """
    kind = picture_format(path)
    with atomic_write(path) as file:
        Image.fromarray(to_bytes(image)).save(file, kind)


def picture_format(path: str | os.PathLike[str]) -> str:
    """Return what Pillow calls the format that the end of a name stands for.

    Raises
    ------
    ValueError
        If Pillow writes no such format.

    Examples
    --------
    >>> picture_format("a.jpg")
    'JPEG'
    """
    kind = Image.registered_extensions().get(Path(path).suffix.lower(), "")
    try:  # some formats have no colours, others need a program that is not here
        Image.new("RGB", (48, 48)).save(io.BytesIO(), kind)
    except Exception:
        raise ValueError(f"{path}: expected a name that ends in .png or .jpg, say") from None
    return kind


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return the picture in mode L, RGB or RGBA."""
    if picture.mode.startswith(("I", "F")):  # Pillow would clip what is above 255
        return _from_numbers(np.asarray(picture))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _from_numbers(values: np.ndarray) -> Image.Image:
    """Return a picture of grey for numbers of 12, 16 or other bits, or from 0 to 1."""
    largest = float(values.max())
    if not math.isfinite(largest) or not np.isfinite(values.min()):
        raise Found("one with pixels of NaN or infinity")
    whites = _WHITE if values.dtype.kind == "f" else _WHITE[1:]
    white = next((white for white in whites if largest <= white), largest)
    shades = np.multiply(values.clip(0, white), np.float32(255 / white), dtype=np.float32)
    return Image.fromarray(np.rint(shades, out=shades).astype(np.uint8))
