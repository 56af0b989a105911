"""Pictures of roads to learn from and to test on, made by driving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dlcourse.applications.driving.driver import Driver
from dlcourse.applications.driving.simulator import RoadSimulator
from dlcourse.applications.driving.weather import Weather
from dlcourse.training import Stream, generator
from dlcourse.training.progress import progress_bar

#: Numbers of the tracks: to learn from, to choose the driver's settings on, to test pictures on,
#: and to test driving on. No track is in two of them.
TRAIN_TRACKS = range(1000, 1024)
TUNE_TRACKS = range(100, 110)
PICTURE_TRACKS = range(1100, 1108)
DRIVE_TRACKS = range(10)


class RoadPictures(NamedTuple):
    """Pictures in clear weather, and what each of their pixels is."""

    frames: np.ndarray  #: (N, 96, 96, 3), uint8
    classes: np.ndarray  #: (N, 96, 96), uint8


def collect(
    tracks: Sequence[int], each: int, *, every: int = 6, seed: int = 0, progress: bool = False
) -> RoadPictures:
    """Drive along tracks and take pictures.

    The driver sees the true classes, but now and then a shove turns the wheel for a while:
    pictures from the middle of the road alone would not show how the road looks from its edge.

    Parameters
    ----------
    tracks : sequence of int
        Their numbers.
    each : int
        Pictures per track; fewer where the car leaves the road.
    every : int
        Steps from one picture to the next.
    seed : int
        What speeds and shoves are drawn from.
    progress : bool
        Whether to show a progress bar.

    Examples
    --------
    >>> pictures = collect([1000], each=2)  # doctest: +SKIP
    >>> pictures.frames.shape, pictures.classes.shape  # doctest: +SKIP
    ((2, 96, 96, 3), (2, 96, 96))
    """
    frames, classes = [], []
    with RoadSimulator(steps=(each - 1) * every + 1) as road:
        for track in progress_bar(tracks, show=progress, unit="track"):
            rng = generator(seed, Stream.DRIVER, track)
            driver = Driver(fastest=float(rng.uniform(30, 60)))
            shove, left = 0.0, 0  # and how many more steps it lasts
            road.reset(track)
            while not road.over:
                seen = road.classes
                steer, gas, brake = driver.act(seen, road.speed)
                if left == 0 and rng.random() < 0.02:
                    shove, left = float(rng.uniform(-1, 1)), int(rng.integers(8, 20))
                if left:
                    steer, left = float(np.clip(steer + shove, -1, 1)), left - 1
                if road.steps_done % every == 0:
                    frames.append(road.frame)
                    classes.append(seen)
                road.step(steer, gas, brake)
    return RoadPictures(np.stack(frames), np.stack(classes))


def as_input(frames: np.ndarray) -> np.ndarray:
    """Return pictures (N, 96, 96, 3) of uint8 as a network takes them: (N, 3, 96, 96), around 0.

    Examples
    --------
    >>> as_input(np.zeros((1, 96, 96, 3), np.uint8)).min()
    np.float32(-0.5)
    """
    return frames.transpose(0, 3, 1, 2) / np.float32(255) - np.float32(0.5)


def in_weather(frames: np.ndarray, weather: Weather, seed: int = 0) -> np.ndarray:
    """Return pictures as they look in some weather, each with noise and clouds of its own.

    Examples
    --------
    >>> grey = np.full((2, 96, 96, 3), 100, np.uint8)
    >>> int(in_weather(grey, Weather(light=0.5)).max())
    50
    """
    return np.stack(
        [weather.apply(f, generator(seed, Stream.WEATHER, k)) for k, f in enumerate(frames)]
    )
