"""What a photograph goes through before a pretrained network sees it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from PIL import Image

from dlcourse.data.photograph import colour_picture


@dataclass(frozen=True)
class Preprocess:
    """Resize, cut out the middle, and bring colours to the range that a network was trained on.

    Called with the path of a picture, or an array of shape (H, W, 3) of uint8, it returns an
    array of shape (1, 3, crop, crop), float32. A network sees well only what is prepared as its
    training images were; see `preprocess_for`.

    Parameters
    ----------
    resize : int
        Pixels that the shorter side is brought to.
    crop : int
        Side of the square that is cut out of the middle, in pixels.
    mean, std : (float, float, float)
        For red, green and blue from 0 to 1: ``(value - mean) / std``.
    resample : PIL.Image.Resampling
        How colours between pixels are found.

    Examples
    --------
    >>> photograph = np.full((300, 400, 3), 255, np.uint8)
    >>> x = Preprocess()(photograph)
    >>> x.shape, x[0, :, 0, 0].round(3)  # (1 - mean) / std
    ((1, 3, 224, 224), array([2.249, 2.429, 2.64 ], dtype=float32))
    """

    resize: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    resample: Image.Resampling = Image.Resampling.BILINEAR

    def __call__(self, picture: str | os.PathLike[str] | np.ndarray) -> np.ndarray:
        image = self.cut(picture)
        colours: np.ndarray = np.asarray(image, np.float32) / np.float32(255)
        colours = (colours - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(colours.transpose(2, 0, 1)[None])

    def cut(self, picture: str | os.PathLike[str] | np.ndarray) -> Image.Image:
        """Return the part of the picture that the network sees, as a picture.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not a picture, or the array not one of colours.
        """
        image = _without_ends(colour_picture(picture))
        short = min(image.size)
        width, height = (self.resize * side // short for side in image.size)
        image = image.resize((width, height), self.resample)
        left, top = round((width - self.crop) / 2), round((height - self.crop) / 2)
        return image.crop((left, top, left + self.crop, top + self.crop))


#: torchvision's for all its ImageNet networks in this package ("ImageClassification" presets).
_TORCHVISION = Preprocess()

_OTHERS = {
    # It came from TensorFlow with another range, and torchvision converts inside the network.
    "googlenet": Preprocess(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    # (value - 127) / 128 for values from 0 to 255.
    "efficientnet_lite0": Preprocess(
        mean=(127 / 255,) * 3, std=(128 / 255,) * 3, resample=Image.Resampling.BICUBIC
    ),
}


def preprocess_for(name: str) -> Preprocess:
    """Return the preprocessing that belongs to the ImageNet weights of an architecture.

    Examples
    --------
    >>> preprocess_for("resnet18").mean
    (0.485, 0.456, 0.406)
    """
    return _OTHERS.get(name, _TORCHVISION)


def _without_ends(image: Image.Image) -> Image.Image:
    """Cut off what is far from the middle of a very long picture, before it grows by scaling."""
    # The square in the middle, and more around it than any filter reaches. An even number of
    # pixels is cut off, so that the middle stays where it is.
    most = 8 * min(image.size)
    cut_x, cut_y = (max(0, (side - most) // 2) for side in image.size)
    return image.crop((cut_x, cut_y, image.width - cut_x, image.height - cut_y))
