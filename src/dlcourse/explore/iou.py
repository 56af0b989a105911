"""An explorer of the intersection over union: one box over another."""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.applications.detection import COCO_THRESHOLDS
from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class _Data:
    """Two boxes (left, top, right, bottom), and how much overlap counts."""

    thing: list[int]
    guess: list[int]
    thresholds: list[float]


def iou() -> Explorer:
    """Move a box over another, and watch the intersection over union.

    Examples
    --------
    >>> iou().data["thing"]
    [10, 8, 28, 32]
    """
    data = _Data(
        thing=[10, 8, 28, 32],
        guess=[18, 14, 38, 36],
        thresholds=[round(float(t), 2) for t in COCO_THRESHOLDS],
    )
    return Explorer("iou", "Explorer: when is a box right?", data)
