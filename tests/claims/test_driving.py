"""What the record of the driver claims, measured again from the shipped weights."""

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.applications.driving import (
    WEATHERS,
    RoadSimulator,
    collect,
    confusion,
    drive,
    in_weather,
    segment_with,
)
from dlcourse.applications.driving.pictures import (
    DRIVE_TRACKS,
    PICTURE_TRACKS,
    TRAIN_TRACKS,
    TUNE_TRACKS,
)
from dlcourse.applications.segmentation import segmentation_scores

NAME = "driving/segnet"
for module in ("gymnasium", "Box2D", "pygame"):
    pytest.importorskip(module, reason="pip install 'dlcourse[rl]'")


@pytest.fixture(scope="module")
def record():
    return zoo.record(NAME)


def test_no_track_serves_twice():
    kinds = (TRAIN_TRACKS, TUNE_TRACKS, PICTURE_TRACKS, DRIVE_TRACKS)
    assert len(set().union(*kinds)) == sum(len(kind) for kind in kinds)


def test_the_driver_stays_on_the_road(record):
    drives = record["test"]["drives"]
    for kind in ("segnet, clear", "segnet, storm"):
        assert [one["track"] for one in drives[kind]] == list(DRIVE_TRACKS)
        assert sum(one["end"] != "off road" for one in drives[kind]) >= 8
    tiles = {kind: np.mean([one["tiles"] for one in each]) for kind, each in drives.items()}
    assert tiles["segnet, clear"] > 4 * tiles["straight ahead"]
    assert tiles["segnet, storm"] > 2 * tiles["colours, storm"]


@pytest.mark.parametrize("weather", ["clear", "storm"])
def test_pictures_of_a_track_held_out(record, weather):
    pictures = collect(PICTURE_TRACKS[:1], each=41, every=10, seed=1)
    segnet = segment_with(zoo.load(NAME))
    counts = confusion(segnet, in_weather(pictures.frames, WEATHERS[weather]), pictures.classes)
    claimed = record["test"]["pictures"][weather]["segnet"]["mean_iou"]
    assert segmentation_scores(counts).mean_iou == pytest.approx(claimed, abs=0.06)
    assert claimed > record["test"]["pictures"]["storm"]["colours"]["mean_iou"] + 0.2


def test_a_lap_in_the_storm_driven_again(record):
    claimed = record["test"]["drives"]["segnet, storm"][1]
    segnet = segment_with(zoo.load(NAME))
    with RoadSimulator() as road:
        result = drive(
            road, 1, segment=lambda frame: segnet(frame[None])[0], weather=WEATHERS["storm"]
        )
    assert result.end == claimed["end"]
    # Arithmetic of another machine may turn a pixel, and a pixel the wheel.
    assert result.tiles == pytest.approx(claimed["tiles"], abs=0.05)
    assert result.steps == pytest.approx(claimed["steps"], rel=0.05)
