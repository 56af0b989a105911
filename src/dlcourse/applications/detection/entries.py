"""The runs that made the two detectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.detection.evaluation import (
    COCO_THRESHOLDS,
    Detections,
    mean_average_precision,
)
from dlcourse.applications.detection.fast_rcnn import fast_rcnn_detect, fast_rcnn_steps
from dlcourse.applications.detection.proposals import selective_search
from dlcourse.applications.detection.rcnn import RCNN, fine_tuning_steps, fit_rcnn
from dlcourse.applications.detection.regions import training_regions
from dlcourse.data.scenes import CLASSES, Scene, load_scenes
from dlcourse.models import FastRCNN, RegionNet
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import write_entry
from dlcourse.zoo.steps import train_in_steps

#: Gives detections for a picture and proposals.
Detect = Callable[[np.ndarray, np.ndarray], Detections]

_SCENES, _LR = 1500, 0.001
_STEPS = {"fast-rcnn": 2000, "rcnn": 800}
#: R-CNN's machines and regressions are fitted to the regions of this many scenes.
_FITTED = 600


def run_detector(
    name: str, output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train a detector into a folder, and return the record; see `zoo.entry`.

    Parameters
    ----------
    name : str
        ``"rcnn"`` or ``"fast-rcnn"``.
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What initial weights, scenes, batches and dropout are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    regions = training_regions(load_scenes("train", _SCENES, seed=2000 + seed))
    rng = generator(seed, Stream.INIT)
    model: FastRCNN | RegionNet
    detect: Detect
    if name == "fast-rcnn":
        model = FastRCNN(len(CLASSES), rng=rng)
        step = fast_rcnn_steps(model, regions, seed)
    else:
        model = RegionNet(len(CLASSES), rng=rng)
        step = fine_tuning_steps(model, regions, seed)
    training = train_in_steps(
        model, step, _STEPS[name], output, lr=_LR, settings={"seed": seed}, progress=progress
    )
    arrays = dict(model.state_dict())
    if isinstance(model, RegionNet):
        rcnn = fit_rcnn(model, regions[:_FITTED], len(CLASSES), seed)
        arrays |= {
            "machines": rcnn.machines,
            "regressions": rcnn.regressions,
            "scale": np.array([rcnn.scale]),
        }
        detect = rcnn.detect
    else:
        detect = _detector(model)
    test = {
        str(count): evaluate_detector(detect, load_scenes("test", count)) for count in (100, 500)
    }
    recipe = {"seed": seed, "scenes": _SCENES}
    return write_entry(
        output, arrays, command, {"recipe": recipe, "training": training, "test": test}
    )


def evaluate_detector(detect: Detect, scenes: Sequence[Scene]) -> dict[str, float]:
    """Return a detector's mean average precision on scenes, at 0.5 and at 0.5 to 0.95.

    Parameters
    ----------
    detect : callable
        Gives detections for a picture and proposals.
    scenes : sequence of Scene
        What to look at.
    """
    pairs = [(scene, detect(scene.image, selective_search(scene.image))) for scene in scenes]
    known = [Detections(scene.boxes, scene.labels) for scene, _ in pairs]
    found = [detections for _, detections in pairs]
    return {
        "map_50": mean_average_precision(found, known),
        "map_50_95": mean_average_precision(found, known, COCO_THRESHOLDS),
    }


def load_fast_rcnn() -> FastRCNN:
    """Return the zoo's Fast R-CNN, ready to detect.

    Examples
    --------
    >>> load_fast_rcnn().training
    False
    """
    model = FastRCNN(len(CLASSES), rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays("scenes/fast-rcnn"))
    model.eval()
    return model


def load_rcnn() -> RCNN:
    """Return the zoo's R-CNN, ready to detect.

    Examples
    --------
    >>> load_rcnn().machines.shape
    (11, 257)
    """
    arrays = zoo.arrays("scenes/rcnn")
    parts = {key: arrays.pop(key) for key in ("machines", "regressions", "scale")}
    model = RegionNet(len(CLASSES), rng=np.random.default_rng(0))
    model.load_state_dict(arrays)
    model.eval()
    return RCNN(model, parts["machines"], parts["regressions"], float(parts["scale"][0]))


def _detector(model: FastRCNN) -> Detect:
    return lambda image, proposals: fast_rcnn_detect(model, image, proposals)
