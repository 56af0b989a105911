"""An explorer of a detector's boxes, before and after suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlcourse.applications.detection import Detections
from dlcourse.data.scenes import CLASSES, Scene
from dlcourse.explore.lib.widget import Explorer, pack


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
            {
                "caption": scene.caption,
                "known": [
                    _box(box, label) for box, label in zip(scene.boxes, scene.labels, strict=True)
                ],
                "boxes": [
                    {**_box(box, label), "score": round(float(score), 3)}
                    for box, label, score in zip(
                        boxes.boxes, boxes.labels, boxes.scores, strict=True
                    )
                ],
            }
        )
    data = {
        "images": pack(np.stack([scene.image for scene in scenes])),
        "scenes": entries,
        "classes": list(CLASSES),
    }
    return Explorer("detections", "Explorer: which of many boxes to keep", data)


def _box(box: np.ndarray, label: int) -> dict[str, Any]:
    return {"box": [round(float(edge), 1) for edge in box], "label": int(label)}
