"""An explorer of the intersection over union: one box over another."""

from __future__ import annotations

from dlcourse.applications.detection import COCO_THRESHOLDS
from dlcourse.explore.lib.widget import Explorer


def iou() -> Explorer:
    """Move a box over another, and watch the intersection over union.

    Examples
    --------
    >>> iou().data["thing"]
    [10, 8, 28, 32]
    """
    data = {
        "thing": [10, 8, 28, 32],
        "guess": [18, 14, 38, 36],
        "thresholds": [round(float(t), 2) for t in COCO_THRESHOLDS],
    }
    return Explorer("iou", "Explorer: when is a box right?", data)
