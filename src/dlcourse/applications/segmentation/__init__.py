"""A class for each pixel: training a fully convolutional network on scenes, and measuring it."""

from dlcourse.applications.segmentation.metrics import (
    SegmentationScores,
    pixel_confusion,
    segmentation_scores,
)
from dlcourse.applications.segmentation.training import evaluate_fcn, fcn_gradients, stack

__all__ = [
    "SegmentationScores",
    "evaluate_fcn",
    "fcn_gradients",
    "pixel_confusion",
    "segmentation_scores",
    "stack",
]
