"""An explorer of a detector's boxes, before and after suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.applications.detection import Detections
from dlcourse.data.scenes import CLASSES, Scene
from dlcourse.explore.lib.widget import Explorer, Packed, pack


@dataclass(frozen=True)
class _Known:
    """A thing in a scene."""

    box: list[float]  #: left, top, right, bottom
    label: int


@dataclass(frozen=True)
class _Found:
    """A box that a detector found."""

    box: list[float]  #: left, top, right, bottom
    label: int
    score: float


@dataclass(frozen=True)
class _Detected:
    """A scene, and what a detector finds in it."""

    caption: str
    known: list[_Known]
    boxes: list[_Found]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    scenes: list[_Detected]
    classes: list[str]


def detections(scenes: Sequence[Scene], found: Sequence[Detections]) -> Explorer:
    """Choose which of a detector's boxes are kept, by score and by overlap.

    Parameters
    ----------
    scenes : sequence of Scene
        A few pictures; each comes to 37 kB.
    found : sequence of Detections
        What a detector finds in each before suppression, with scores from 0 to 1.

    Raises
    ------
    ValueError
        If the numbers differ, or there are no scores.

    Examples
    --------
    >>> from dlcourse.data.scenes import load_scenes
    >>> scene = load_scenes("test")[0]
    >>> known = Detections(scene.boxes, scene.labels, np.ones(len(scene.labels)))
    >>> detections([scene], [known]).kind
    'detections'
    """
    if len(scenes) != len(found):
        raise ValueError(f"expected detections for {len(scenes)} scenes, found {len(found)}")
    entries = []
    for scene, boxes in zip(scenes, found, strict=True):
        if boxes.scores is None:
            raise ValueError("expected detections with scores, found some without")
        entries.append(
            _Detected(
                caption=scene.caption,
                known=[
                    _Known(_edges(box), int(label))
                    for box, label in zip(scene.boxes, scene.labels, strict=True)
                ],
                boxes=[
                    _Found(_edges(box), int(label), round(float(score), 3))
                    for box, label, score in zip(
                        boxes.boxes, boxes.labels, boxes.scores, strict=True
                    )
                ],
            )
        )
    data = _Data(
        images=pack(np.stack([scene.image for scene in scenes])),
        scenes=entries,
        classes=list(CLASSES),
    )
    return Explorer("detections", "Explorer: which of many boxes to keep", data)


def _edges(box: np.ndarray) -> list[float]:
    return [round(float(edge), 1) for edge in box]
