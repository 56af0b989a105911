"""What is in a picture, and where: from regions and features to boxes with names."""

from dlcourse.applications.detection.boxes import box_iou, nms
from dlcourse.applications.detection.evaluation import (
    COCO_THRESHOLDS,
    Detections,
    average_precision,
    mean_average_precision,
    precision_recall,
)

__all__ = [
    "COCO_THRESHOLDS",
    "Detections",
    "average_precision",
    "box_iou",
    "mean_average_precision",
    "nms",
    "precision_recall",
]
