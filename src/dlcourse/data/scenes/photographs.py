"""Scenes of photographs: real pictures behind real things that others have cut out.

None of them are in this package. The things are the stamps of Tux Paint, Debian's package
``tuxpaint-stamps-default``, whose licences differ from stamp to stamp; the pictures behind them
come with scikit-image.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from dlcourse.data.photograph import open_picture
from dlcourse.data.scenes.caption import describe
from dlcourse.data.scenes.compose import arrange, middles
from dlcourse.data.scenes.scene import Scene
from dlcourse.data.scenes.sets import NumberedScenes
from dlcourse.expect import needed
from dlcourse.habits import explained
from dlcourse.streams import Stream

#: Names by label, and the folders of the stamps.
KINDS = ("ground", "animal", "food", "plant", "vehicle")
_FOLDERS = ("animals", "food", "plants", "vehicles")
_STAMPS = Path("/usr/share/tuxpaint/stamps")
#: Functions of skimage.data whose pictures come with it.
_PICTURES = ("astronaut", "chelsea", "coffee", "rocket")


class _Stamp(NamedTuple):
    """A thing placed on an otherwise empty picture of S x S pixels."""

    colours: np.ndarray  #: (S, S, 3) from 0 to 1
    cover: np.ndarray  #: (S, S), how much of each pixel it covers, 0 to 1

    @property
    def mask(self) -> np.ndarray:
        return self.cover > 0.5


class PhotographSet(NumberedScenes):
    """Scenes of photographs; `load_photographs` makes it."""

    _stream = Stream.PHOTOGRAPH

    def __init__(
        self, split: str, length: int, things: tuple[int, int], size: int, seed: int
    ) -> None:
        super().__init__(split, length, things, size, seed)
        if not _STAMPS.is_dir():
            raise FileNotFoundError(
                f"there are no stamps in {_STAMPS}; on Debian and Ubuntu "
                "`apt install tuxpaint-stamps-default` brings them"
            )
        # Of ten stamps in the order of their names, one is for validation and one for testing.
        belongs = {"train": range(8), "validation": (8,), "test": (9,)}[split]
        self._stamps = [stamp for k, stamp in enumerate(_stamps()) if k % 10 in belongs]

    @explained
    def draw(self, count: int, rng: np.random.Generator) -> Scene:
        def cut(k: int, at: tuple[float, float], height: float) -> _Stamp:
            return _place(self._stamps[k][0], self.size, at, height, rng.uniform(-20, 20))

        chosen, small, stamps, masks, boxes = arrange(len(self._stamps), cut, count, self.size, rng)
        image = _picture(self.size, rng)
        for stamp in stamps:
            image = image + stamp.cover[..., None] * (stamp.colours - image)
        labels = np.array([self._stamps[k][1] for k in chosen])
        caption = describe(labels, small, middles(boxes), KINDS)
        picture = np.ascontiguousarray(image.transpose(2, 0, 1))
        return Scene(picture, labels, masks, boxes, small, caption, KINDS)


def load_photographs(
    split: str,
    length: int = 1000,
    *,
    things: tuple[int, int] = (1, 3),
    size: int = 96,
    seed: int = 0,
) -> PhotographSet:
    """Return scenes of photographs: animals, food, plants and vehicles on pictures.

    Parameters
    ----------
    split : str
        ``"train"``, ``"validation"`` or ``"test"``; each has its own stamps.
    length, things, size, seed
        As for `load_scenes`.

    Raises
    ------
    FileNotFoundError
        If the stamps are not on this machine.
    ImportError
        If scikit-image is not installed.
    ValueError
        If an argument is out of its range.
    """
    return PhotographSet(split, length, things, size, seed)


@cache
def _stamps() -> list[tuple[Path, int]]:
    """Return the path and the label of each stamp."""
    return [
        (path, label)
        for label, folder in enumerate(_FOLDERS, start=1)
        for path in sorted((_STAMPS / folder).rglob("*.png"))
        if "_mirror" not in path.stem and "_flip" not in path.stem
    ]


@cache
def _load(path: Path) -> Image.Image:
    """Return a stamp without the empty border around it, at most 128 pixels high."""
    stamp = open_picture(path).convert("RGBA")
    stamp = stamp.crop(stamp.getchannel("A").getbbox())
    stamp.thumbnail((128, 128))
    return stamp


def _place(path: Path, size: int, at: tuple[float, float], height: float, degrees: float) -> _Stamp:
    stamp = _load(path)
    zoom = height / max(stamp.size)
    cos, sin = math.cos(math.radians(degrees)) / zoom, math.sin(math.radians(degrees)) / zoom
    x, y = at
    middle_x, middle_y = stamp.width / 2, stamp.height / 2
    matrix = (cos, sin, middle_x - cos * x - sin * y, -sin, cos, middle_y + sin * x - cos * y)
    placed = stamp.transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    values = np.asarray(placed, np.float32) / 255
    return _Stamp(values[..., :3], values[..., 3])


def _picture(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random part of a random photograph, (S, S, 3) from 0 to 1."""
    whole = _photograph(_PICTURES[rng.integers(len(_PICTURES))])
    side = int(rng.integers(min(whole.size) // 3, min(whole.size)))
    left = int(rng.integers(0, whole.width - side + 1))
    top = int(rng.integers(0, whole.height - side + 1))
    part = whole.resize(
        (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    return np.asarray(part, np.float32) / 255


@cache
def _photograph(name: str) -> Image.Image:
    with needed("scikit-image", "a scene of photographs"):
        from skimage import data
    return Image.fromarray(getattr(data, name)()).convert("RGB")
