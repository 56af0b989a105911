"""The detectors of the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from dlcourse import zoo
from dlcourse.applications.detection.evaluation import (
    COCO_THRESHOLDS,
    Detections,
    mean_average_precision,
)
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect, fast_rcnn_gradients
from dlcourse.applications.detection.proposals import selective_search
from dlcourse.applications.detection.rcnn import fine_tuning_gradients, fit_rcnn, rcnn_detect
from dlcourse.applications.detection.regions import training_regions
from dlcourse.data.scenes import CLASSES, Scene, load_scenes
from dlcourse.models import RCNN, FastRCNN
from dlcourse.training import Stream, generator
from dlcourse.zoo.steps import train_in_steps
from dlcourse.zoo.training import Entry, Trained

_SCENES, _LR = 1500, 0.001
_STEPS = {"FastRCNN": 2000, "RCNN": 800}
#: R-CNN's machines and regressions are fitted to the regions of this many scenes.
_FITTED = 600


def train_detector(kind: str, folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train a detector: "RCNN" or "FastRCNN"."""
    regions = training_regions(load_scenes("train", _SCENES, seed=2000 + seed))
    network = {"kind": kind, "classes": len(CLASSES)}
    model = zoo.build(network, generator(seed, Stream.INIT))
    gradients = fine_tuning_gradients if isinstance(model, RCNN) else fast_rcnn_gradients
    trained = train_in_steps(
        model,
        network,
        gradients(model, regions, seed),
        _STEPS[kind],
        folder,
        lr=_LR,
        recipe={"scenes": _SCENES},
        seed=seed,
        input=(3, model.size, model.size) if isinstance(model, RCNN) else None,
        progress=progress,
    )
    if isinstance(model, RCNN):
        fit_rcnn(model, regions[:_FITTED], seed)  # its arrays are among those trained
    return trained


def evaluate(model: RCNN | FastRCNN, *, whole: bool = True) -> dict[str, Any]:
    """Return the mean average precision on 100 test scenes, and on 500."""
    return {
        str(count): evaluate_detector(model, load_scenes("test", count))
        for count in ((100, 500) if whole else (100,))
    }


def evaluate_detector(model: RCNN | FastRCNN, scenes: Sequence[Scene]) -> dict[str, float]:
    """Return a detector's mean average precision on scenes, at 0.5 and at 0.5 to 0.95."""
    known, found = [], []
    for scene in scenes:
        proposals = selective_search(scene.image)
        known.append(Detections(scene.boxes, scene.labels))
        found.append(
            rcnn_detect(model, scene.image, proposals)
            if isinstance(model, RCNN)
            else fast_rcnn_detect(model, scene.image, proposals)
        )
    return {
        "map_50": mean_average_precision(found, known),
        "map_50_95": mean_average_precision(found, known, COCO_THRESHOLDS),
    }


ENTRIES = [
    Entry("scenes/rcnn", partial(train_detector, "RCNN"), evaluate),
    Entry("scenes/fast-rcnn", partial(train_detector, "FastRCNN"), evaluate),
]
