"""The closed loop: what the car does decides what it sees next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dlcourse.applications.driving.driver import Driver
from dlcourse.applications.driving.planner import Plan
from dlcourse.applications.driving.simulator import RoadSimulator
from dlcourse.applications.driving.weather import Weather
from dlcourse.training import Stream, generator

#: From a picture (96, 96, 3) of uint8 to the class of each pixel (96, 96).
Segment = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Drive:
    """How a drive went."""

    track: int  #: number of the track
    end: str  #: "lap", "time" or "off road"
    steps: int  #: fiftieths of a second
    tiles: float  #: share of the track's tiles that were visited
    distance: float  #: distance driven, in units of the simulator's world

    @property
    def on_road(self) -> bool:
        """Whether the car finished the lap, or was still on the road when the time was up."""
        return self.end != "off road"

    def as_dict(self) -> dict[str, Any]:
        """Return it for a record, rounded."""
        return {**asdict(self), "tiles": round(self.tiles, 4), "distance": round(self.distance, 1)}


@dataclass(frozen=True)
class Moment:
    """One step of a drive, to show."""

    frame: np.ndarray  #: (96, 96, 3), uint8: what the driver saw
    classes: np.ndarray  #: (96, 96): what the driver took each pixel for
    plan: Plan | None  #: where the driver wanted to go
    command: tuple[float, float, float]  #: steer, gas, brake
    speed: float  #: units per second


def drive(
    road: RoadSimulator,
    track: int,
    segment: Segment | None = None,
    *,
    weather: Weather | None = None,
    watch: Callable[[Moment], None] | None = None,
) -> Drive:
    """Drive along a track until the lap is done, the time is up or the car is off the road.

    Parameters
    ----------
    road : RoadSimulator
        Where to drive, and for how long at most.
    track : int
        The number of the track; it also seeds the noise of the weather.
    segment : callable, optional
        Gives the class of each pixel. When left out, the driver is told the true ones, which no
        picture gives away: the best that this driver can do.
    weather : Weather, optional
        What the pictures go through before they are segmented; clear when left out.
    watch : callable, optional
        Called with each `Moment`.

    Examples
    --------
    >>> with RoadSimulator(steps=100) as road:  # doctest: +SKIP
    ...     drive(road, track=3).on_road
    True
    """
    driver = Driver()
    rng = generator(track, Stream.WEATHER)
    road.reset(track)
    distance = 0.0
    while not road.over:
        frame = road.frame if weather is None else weather.apply(road.frame, rng)
        classes = road.classes if segment is None else segment(frame)
        command = driver.act(classes, road.speed)
        if watch is not None:
            watch(Moment(frame, classes, driver.plan, command, road.speed))
        road.step(*command)
        distance += road.distance_of_step
    return _finished(road, track, distance)


def straight_ahead(road: RoadSimulator, track: int) -> Drive:
    """Drive with the wheel held straight and a little gas: the least a driver can do."""
    road.reset(track)
    distance = 0.0
    while not road.over:
        road.step(steer=0.0, gas=0.1, brake=0.0)
        distance += road.distance_of_step
    return _finished(road, track, distance)


def _finished(road: RoadSimulator, track: int, distance: float) -> Drive:
    end = "lap" if road.lap_done else "off road" if road.off_road else "time"
    return Drive(track, end, road.steps_done, road.tiles_visited, distance)
