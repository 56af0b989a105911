"""The network of the zoo that sees roads: pictures, training, and drives on unseen tracks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.driving.colours import ColourTable
from dlcourse.applications.driving.drive import Drive, Segment, drive, straight_ahead
from dlcourse.applications.driving.labels import CLASSES
from dlcourse.applications.driving.pictures import (
    DRIVE_TRACKS,
    PICTURE_TRACKS,
    TRAIN_TRACKS,
    RoadPictures,
    collect,
    in_weather,
)
from dlcourse.applications.driving.simulator import RoadSimulator
from dlcourse.applications.driving.training import (
    confusion,
    draw_batch,
    segment_with,
    segnet_gradients,
)
from dlcourse.applications.driving.weather import WEATHERS
from dlcourse.applications.segmentation import segmentation_scores
from dlcourse.models import SegNet
from dlcourse.models.segnet import SMALL
from dlcourse.training import Stream, generator
from dlcourse.training.progress import progress_bar
from dlcourse.zoo.steps import train_in_steps
from dlcourse.zoo.training import Entry, Trained

_NETWORK = {"kind": "SegNet", "classes": len(CLASSES), "widths": SMALL}
_STEPS, _LR, _BATCH = 3000, 0.003, 8
_EACH = 81  #: pictures per track to learn from


def train_segnet(folder: Path, *, seed: int, progress: bool) -> Trained:
    """Make pictures, and train SegNet on them."""
    pictures = _pictures(seed, progress)
    model = zoo.build(_NETWORK, generator(seed, Stream.INIT))
    return train_in_steps(
        model,
        _NETWORK,
        segnet_gradients(model, pictures, _BATCH, seed),
        _STEPS,
        folder,
        lr=_LR,
        recipe={
            "batch_size": _BATCH,
            "pictures": len(pictures.frames),
            "tracks": [TRAIN_TRACKS.start, TRAIN_TRACKS.stop - 1],
        },
        seed=seed,
        input=(3, 96, 96),
        progress=progress,
    )


def evaluate(model: SegNet, *, whole: bool = True) -> dict[str, Any]:
    """Return how the network does on pictures and as a driver, beside others that do without it.

    With ``whole=False`` it is the network alone, on pictures alone.
    """
    segmenters = {"segnet": segment_with(model)}
    if not whole:
        return {"pictures": measure_pictures(segmenters)}
    segmenters["colours"] = colour_table(_pictures(seed=0, progress=_terminal())).predict
    return {"pictures": measure_pictures(segmenters), "drives": measure_drives(**segmenters)}


def colour_table(pictures: RoadPictures, seed: int = 0) -> ColourTable:
    """Return the table of colours, counted on 2000 pictures in the weathers of training."""
    table = ColourTable()
    for number in range(250):
        table.count(*draw_batch(pictures, 8, generator(seed, Stream.BATCH, number)))
    return table


def measure_pictures(segmenters: dict[str, Segment]) -> dict[str, Any]:
    """Return mean and single intersections over union by weather, on held-out tracks."""
    pictures = collect(PICTURE_TRACKS, 41, every=10, seed=1)
    report: dict[str, Any] = {"count": len(pictures.frames)}
    for weather, change in WEATHERS.items():
        frames = in_weather(pictures.frames, change)
        report[weather] = {}
        for name, segment in segmenters.items():
            counts = confusion(segment, frames, pictures.classes)
            right, union = np.diag(counts), counts.sum(0) + counts.sum(1) - np.diag(counts)
            report[weather][name] = {
                "mean_iou": round(segmentation_scores(counts).mean_iou, 4),
                "iou": [round(float(r / u), 4) for r, u in zip(right, union, strict=True)],
            }
    return report


def measure_drives(segnet: Segment, colours: Segment) -> dict[str, list[dict[str, Any]]]:
    """Return how drives on the ten tracks went, by driver and weather."""

    def one(segment: Segment) -> Segment:
        return lambda frame: segment(frame[None])[0]

    storm = WEATHERS["storm"]
    with RoadSimulator() as road:
        kinds: dict[str, Callable[[int], Drive]] = {
            "straight ahead": partial(straight_ahead, road),
            "segnet, clear": partial(drive, road, segment=one(segnet)),
            "segnet, storm": partial(drive, road, segment=one(segnet), weather=storm),
            "colours, storm": partial(drive, road, segment=one(colours), weather=storm),
            "colours, clear": partial(drive, road, segment=one(colours)),
            "true classes": partial(drive, road),
        }
        return {
            name: [
                run(track).as_dict()
                for track in progress_bar(DRIVE_TRACKS, show=_terminal(), desc=name, unit="drive")
            ]
            for name, run in kinds.items()
        }


def _terminal() -> bool:
    """Measuring takes minutes: somebody may be waiting."""
    return sys.stderr is not None and sys.stderr.isatty()


def _pictures(seed: int, progress: bool) -> RoadPictures:
    return collect(TRAIN_TRACKS, _EACH, seed=seed, progress=progress)


ENTRIES = [Entry("driving/segnet", train_segnet, evaluate)]
