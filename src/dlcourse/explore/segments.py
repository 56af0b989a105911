"""An explorer of the class of each pixel, as several networks see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.data.scenes import CLASSES, Scene
from dlcourse.explore.lib.widget import Explorer, Packed, pack


@dataclass(frozen=True)
class _Seen:
    """What a network sees: the class of each pixel."""

    name: str
    labels: Packed  #: (scenes, S, S)
    scores: float  #: the mean IoU over the test set


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    scenes: list[str]
    maps: list[_Seen]  #: the last one is the truth
    classes: list[str]


def segments(
    scenes: Sequence[Scene], predicted: Mapping[str, np.ndarray], mean_iou: Mapping[str, float]
) -> Explorer:
    """Compare what networks of different stride make of some scenes, pixel by pixel.

    Parameters
    ----------
    scenes : sequence of N Scene
        A few pictures; each comes to 37 kB, and 12 kB more for each network.
    predicted : mapping from str to array of shape (N, S, S)
        The class of each pixel, by the name of the network.
    mean_iou : mapping from str to float
        How good each network is over the whole test set.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> scene = load_scenes("test")[0]
    >>> segments([scene], {"perfect": scene.classes[None]}, {"perfect": 1.0}).kind
    'segments'
    """
    truth = np.stack([scene.classes for scene in scenes])
    for name, classes in predicted.items():
        if classes.shape != truth.shape:
            raise ValueError(f"{name}: expected classes {truth.shape}, found {classes.shape}")
    # Labels are whole numbers up to 10, and with `high` at 255 each step is one whole number.
    maps = [
        _Seen(name, labels=pack(classes, high=255), scores=float(mean_iou[name]))
        for name, classes in predicted.items()
    ]
    maps.append(_Seen("the truth", labels=pack(truth, high=255), scores=1.0))
    data = _Data(
        images=pack(np.stack([scene.image for scene in scenes])),
        scenes=[scene.caption for scene in scenes],
        maps=maps,
        classes=list(CLASSES),
    )
    return Explorer("segments", "Explorer: the class of each pixel", data)
