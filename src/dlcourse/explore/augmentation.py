"""An explorer of augmentation: the same images, changed more and more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.data.augment import Augmentation, Cutout, Elastic, Rotate, Scale, Shift
from dlcourse.explore.lib.widget import Explorer, Packed, pack, squares
from dlcourse.streams import Stream, generator

#: Kinds of augmentation, each with what its strengths are called and do, from weak to strong.
AUGMENTATIONS: dict[str, dict[str, Augmentation]] = {
    "shift": {f"up to {n} pixels": Shift(n) for n in (1, 2, 4, 8)},
    "rotation": {f"up to {n} degrees": Rotate(n) for n in (5, 15, 45, 180)},
    "scale": {f"by up to {f}": Scale(f) for f in (1.1, 1.3, 1.6, 2.5)},
    "elastic distortion": {f"alpha {a}, sigma 4": Elastic(a, 4) for a in (17, 34, 68, 136)},
    "cutout": {f"a square of {n} pixels": Cutout(n) for n in (4, 8, 12, 18)},
}


@dataclass(frozen=True)
class _Kind:
    """A kind of augmentation."""

    name: str
    strengths: list[str]
    frames: Packed  #: (strengths, images, 1, S, S)


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    names: list[str]
    kinds: list[_Kind]


def augmentation(
    images: np.ndarray,
    names: Sequence[str],
    kinds: Mapping[str, Mapping[str, Augmentation]] = AUGMENTATIONS,
    seed: int = 0,
) -> Explorer:
    """Show the same images under stronger and stronger augmentation.

    Every strength draws the same random numbers, so a stronger one goes further in the same way.

    Parameters
    ----------
    images : array of shape (N, 1, S, S)
        Values from 0 to 1.
    names : sequence of N str
        What each image is called.
    kinds : mapping
        From the name of a kind to its strengths: a mapping from a name to an augmentation, with
        the same number of strengths for each kind.
    seed : int
        For the random numbers.

    Raises
    ------
    ValueError
        If a shape is wrong, or kinds differ in how many strengths they have.

    Examples
    --------
    >>> augmentation(np.zeros((1, 1, 28, 28), np.float32), ["nothing"]).kind
    'augmentation'
    """
    grey = squares(images, names)
    if len({len(strengths) for strengths in kinds.values()}) != 1:
        raise ValueError("every kind of augmentation must have the same number of strengths")
    data = _Data(
        images=pack(grey),
        names=list(names),
        kinds=[
            _Kind(
                name=name,
                strengths=list(strengths),
                frames=pack(
                    np.stack(
                        [a(images, generator(seed, Stream.AUGMENT)) for a in strengths.values()]
                    )
                ),
            )
            for name, strengths in kinds.items()
        ],
    )
    return Explorer("augmentation", "Explorer: augmentation", data)
