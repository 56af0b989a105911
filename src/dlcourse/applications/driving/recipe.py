"""The run that made `driving/segnet`: pictures, training, and drives on unseen tracks."""

from __future__ import annotations

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
from dlcourse.applications.driving.training import confusion, draw_batch, segment_with, segnet_steps
from dlcourse.applications.driving.weather import WEATHERS
from dlcourse.applications.segmentation import segmentation_scores
from dlcourse.files import read_json, reading, write_json
from dlcourse.models import SegNet
from dlcourse.models.segnet import SMALL
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.training import Checkpoint, Stream, generator
from dlcourse.training.progress import progress_bar
from dlcourse.zoo.entry import write_entry
from dlcourse.zoo.steps import train_in_steps

_STEPS, _LR, _BATCH = 3000, 0.003, 8
_EACH = 81  #: pictures per track to learn from
_REMEDY = "remove it, and it is made again"  #: for parts left by an interrupted run


def run_segnet(
    output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Make pictures, train SegNet, let it drive; return the record.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What pictures, weather and initial weights are drawn from.
    progress : bool
        Whether to show progress bars.
    """
    output.mkdir(parents=True, exist_ok=True)
    pictures = _once(output / "pictures.npz", TRAIN_TRACKS, _EACH, seed, progress)
    model = SegNet(len(CLASSES), SMALL, rng=generator(seed, Stream.INIT))
    training = _kept(
        output / "training.json",
        lambda: train_in_steps(
            model,
            segnet_steps(model, pictures, _BATCH, seed),
            _STEPS,
            output,
            lr=_LR,
            settings={"seed": seed, "pictures": len(pictures.frames)},
            progress=progress,
        ),
    )
    model.load_state_dict(Checkpoint.load(output / "segnet.npz").model)
    _round_to_16_bits(model)
    table = colour_table(pictures, seed)
    record = {
        "recipe": {
            "seed": seed,
            "batch_size": _BATCH,
            "pictures": len(pictures.frames),
            "tracks": [TRAIN_TRACKS.start, TRAIN_TRACKS.stop - 1],
        },
        "training": training,
        "test": {
            "pictures": _kept(
                output / "measured.json",
                lambda: measure_pictures({"segnet": segment_with(model), "colours": table.predict}),
            ),
            "drives": measure_drives(model, table, output, progress),
        },
    }
    return write_entry(output, model.state_dict(), command, record)


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


def measure_drives(
    model: SegNet, table: ColourTable, output: Path, progress: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return how drives on the ten tracks went, by driver and weather.

    What has been measured already is taken from files in the folder.
    """

    def network(frame: np.ndarray) -> np.ndarray:
        classes: np.ndarray = segment_with(model)(frame[None])[0]
        return classes

    def colours(frame: np.ndarray) -> np.ndarray:
        classes: np.ndarray = table.predict(frame[None])[0]
        return classes

    report: dict[str, list[dict[str, Any]]] = {}
    with RoadSimulator() as road:
        kinds: dict[str, Callable[[int], Drive]] = {
            "straight ahead": partial(straight_ahead, road),
            "segnet, clear": partial(drive, road, segment=network),
            "segnet, storm": partial(drive, road, segment=network, weather=WEATHERS["storm"]),
            "colours, storm": partial(drive, road, segment=colours, weather=WEATHERS["storm"]),
            "colours, clear": partial(drive, road, segment=colours),
            "true classes": partial(drive, road),
        }
        for name, run in kinds.items():
            report[name] = _kept(output / f"{name}.json", partial(_drives, run, name, progress))
    return report


def load_segnet() -> SegNet:
    """Return the network of the zoo that segments roads, ready to predict.

    Examples
    --------
    >>> load_segnet().predict(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 96, 96)
    """
    model = SegNet(len(CLASSES), SMALL, rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays("driving/segnet"))
    return model.eval()


def _once(path: Path, tracks: range, each: int, seed: int, progress: bool) -> RoadPictures:
    """Make pictures, or take them from the file where an interrupted run left them."""
    if not path.exists():
        save_arrays(path, collect(tracks, each, seed=seed, progress=progress)._asdict())
    arrays = load_arrays(path)
    with reading(path, "pictures of roads", _REMEDY):
        return RoadPictures(**arrays)


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """Make a part of the record, or take it from the file where an interrupted run left it."""
    if not path.exists():
        write_json(path, make())
    return read_json(path, "a part of the record", _REMEDY, kind=object)


def _drives(run: Callable[[int], Drive], name: str, progress: bool) -> list[dict[str, Any]]:
    bar = progress_bar(DRIVE_TRACKS, show=progress, desc=name, unit="drive")
    return [run(track).as_dict() for track in bar]


def _round_to_16_bits(model: SegNet) -> None:
    """Measure what ships: weights are kept in 16 bits."""
    for array in model.state_dict().values():
        if array.dtype == np.float32:
            array[...] = array.astype(np.float16)
