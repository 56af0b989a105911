"""A car that sees, segments, decides and acts: SegNet in a closed loop with a simulator."""

from dlcourse.applications.driving.colours import ColourTable
from dlcourse.applications.driving.drive import Drive, Moment, drive, straight_ahead
from dlcourse.applications.driving.driver import Driver
from dlcourse.applications.driving.labels import CLASSES, true_classes
from dlcourse.applications.driving.pictures import RoadPictures, as_input, collect, in_weather
from dlcourse.applications.driving.planner import Plan, angle_to, plan
from dlcourse.applications.driving.simulator import RoadSimulator
from dlcourse.applications.driving.training import (
    confusion,
    draw_batch,
    segment_with,
    segnet_gradients,
)
from dlcourse.applications.driving.weather import WEATHERS, Weather, draw_weather

__all__ = [
    "CLASSES",
    "WEATHERS",
    "ColourTable",
    "Drive",
    "Driver",
    "Moment",
    "Plan",
    "RoadPictures",
    "RoadSimulator",
    "Weather",
    "angle_to",
    "as_input",
    "collect",
    "confusion",
    "draw_batch",
    "draw_weather",
    "drive",
    "in_weather",
    "plan",
    "segment_with",
    "segnet_gradients",
    "straight_ahead",
    "true_classes",
]
