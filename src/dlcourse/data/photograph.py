"""Photographs and paintings: read as arrays of colours, and written."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dlcourse.files import atomic_write


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Read a picture of any mode as Pillow has it, turned as its camera was held.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it isn't a picture, or is damaged.
    """
    path = Path(path)
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file; check the name") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path}: expected a picture, found a file that cannot be read as one "
            f"({type(error).__name__}); save it as PNG or JPEG"
        ) from error


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
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                "expected a picture of shape (H, W, 3) and dtype uint8, "
                f"found {picture.shape} and {picture.dtype}"
            )
        image = Image.fromarray(picture)
    else:
        image = _colours(open_picture(picture))
    scale = size / max(image.size)
    shape = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Pillow averages over all pixels that go into one.
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
    try:  # some formats have no colours, others want a program that is not here
        Image.new("RGB", (48, 48)).save(io.BytesIO(), kind)
    except Exception:
        raise ValueError(f"{path}: expected a name that ends in .png or .jpg, say") from None
    return kind


def _colours(picture: Image.Image) -> Image.Image:
    """Return the picture with 8 bits of red, green and blue a pixel and nothing transparent."""
    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 255
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")
