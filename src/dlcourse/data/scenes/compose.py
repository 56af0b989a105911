"""Putting a scene together: choose places, lay the stickers down, see what stays visible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from dlcourse.data.dataset import Dataset
from dlcourse.data.scenes.caption import describe
from dlcourse.data.scenes.scene import Scene, box_of
from dlcourse.data.scenes.sticker import Sticker, place
from dlcourse.habits import explained


class _HasMask(Protocol):
    @property
    def mask(self) -> np.ndarray: ...


#: A thing on an otherwise empty picture.
Cut = TypeVar("Cut", bound=_HasMask)

#: Heights of small and of other digits, as shares of the picture; nothing lies between.
_SMALL, _LARGE = (0.28, 0.33), (0.42, 0.54)
#: At least this much of each sticker stays visible.
_VISIBLE = 0.7
#: All but a few stickers reach no further than this many times their height from their centre.
_REACH = 0.62
#: How much further apart two things must lie in the direction that their caption names.
_CLEAR = 1.4


@explained
def compose(
    digits: Dataset,
    ground: Callable[[int, np.random.Generator], np.ndarray],
    count: int,
    size: int,
    rng: np.random.Generator,
) -> Scene:
    """Return a scene with `count` digits, drawn by a generator.

    Each digit is drawn from `digits`, small or large, turned by up to 20 degrees, and put where
    it lies wholly inside the picture and hides little of any other. Whether two things lie one
    above or one beside the other is never a close call.

    Parameters
    ----------
    digits : Dataset
        Images of shape (N, 1, 28, 28).
    ground : callable
        Gives the picture (S, S, 3) to lay them on, given S and a generator.
    count : int
        How many digits; up to 4 fit.
    size : int
        Height and width S in pixels.
    rng : numpy.random.Generator
        Draws everything.

    Examples
    --------
    >>> bars = np.zeros((1, 1, 28, 28), np.float32)
    >>> bars[..., 4:24, 12:16] = 1
    >>> digits = Dataset(bars, np.array([1]), tuple("0123456789"))
    >>> white = lambda size, rng: np.ones((size, size, 3), np.float32)
    >>> compose(digits, white, 1, 96, np.random.default_rng(1)).caption
    'a one'
    """

    def cut(k: int, at: tuple[float, float], height: float) -> Sticker:
        return place(digits.images[k, 0], size, at, height, rng.uniform(-20, 20))

    chosen, small, stickers, masks, boxes = arrange(len(digits), cut, count, size, rng)
    labels = digits.labels[chosen] + 1
    image = _paint(ground(size, rng), stickers, rng)
    return Scene(image, labels, masks, boxes, small, describe(labels, small, middles(boxes)))


@explained
def arrange(
    choices: int,
    cut: Callable[[int, tuple[float, float], float], Cut],
    count: int,
    size: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[Cut], np.ndarray, np.ndarray]:
    """Choose things and places until all are mostly visible and their order is plain.

    Parameters
    ----------
    choices : int
        How many things there are to choose from.
    cut : callable
        Gives a thing, by its number, on a picture, given its centre (x, y) and its height.
    count, size, rng
        As for `compose`.

    Returns
    -------
    chosen, small, cutouts, masks, boxes
        Which things, whether each is a small one, what `cut` gave, what is seen of each, and the
        boxes around that.
    """
    while True:
        small = rng.random(count) < 0.4
        heights = size * np.where(small, rng.uniform(*_SMALL, count), rng.uniform(*_LARGE, count))
        reach = heights[:, None] * _REACH
        places = reach + rng.random((count, 2)) * (size - 2 * reach)
        if not (_is_clear(places) and _is_loose(places, heights)):
            continue  # before anything is drawn, since most arrangements end here
        chosen = rng.integers(0, choices, count)
        cutouts = [
            cut(int(k), (float(x), float(y)), float(height))
            for k, (x, y), height in zip(chosen, places, heights, strict=True)
        ]
        masks = _visible(cutouts)
        if masks is not None:
            boxes = np.stack([box_of(mask) for mask in masks])
            if _is_clear(middles(boxes)):
                return chosen, small, cutouts, masks, boxes


def middles(boxes: np.ndarray) -> np.ndarray:
    """Return the centre (x, y) of each box."""
    centres: np.ndarray = (boxes[:, :2] + boxes[:, 2:]) / 2
    return centres


def _is_loose(places: np.ndarray, heights: np.ndarray) -> bool:
    """Whether no two things lie so near to each other that one hides much of the other."""
    for k in range(1, len(places)):
        apart = np.hypot(*(places[:k] - places[k]).T)
        if (apart < 0.4 * (heights[:k] + heights[k])).any():
            return False
    return True


def _visible(cutouts: Sequence[Cut]) -> np.ndarray | None:
    """Return what is seen of each, the later ones on top; None if too little of one is seen."""
    whole = np.stack([cutout.mask for cutout in cutouts])
    if whole[:, [0, -1]].any() or whole[:, :, [0, -1]].any():
        return None  # one hangs over the edge
    masks = whole.copy()
    for k in range(1, len(masks)):
        masks[:k] &= ~whole[k]
    shares = masks.sum(axis=(1, 2)) / whole.sum(axis=(1, 2))
    return masks if shares.min() >= _VISIBLE else None


def _is_clear(centres: np.ndarray) -> bool:
    """Whether it is plain which way the things are lined up."""
    if len(centres) == 1:
        return True
    narrow, wide = sorted(np.ptp(centres, axis=0))
    return bool(wide > _CLEAR * narrow)


def _paint(ground: np.ndarray, stickers: list[Sticker], rng: np.random.Generator) -> np.ndarray:
    """Lay the stickers on the ground: light paper, dark ink, and the camera's noise."""
    image = ground
    for sticker in stickers:
        paper = rng.uniform(0.7, 1.0, 3).astype(np.float32)
        ink = rng.uniform(0.0, 0.35, 3).astype(np.float32)
        sheet = paper + sticker.ink[..., None] * (ink - paper)
        image = image + sticker.paper[..., None] * (sheet - image)
    image = image + 0.02 * rng.standard_normal(image.shape, dtype=np.float32)
    return np.ascontiguousarray(image.clip(0, 1).transpose(2, 0, 1))
