"""A car on a track, seen from above: Gymnasium's CarRacing-v3, without a screen."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Self

import numpy as np

from dlcourse.applications.driving.labels import true_classes
from dlcourse.expect import needed

#: Steps of the simulator per second.
STEPS_A_SECOND = 50
#: After this many steps in a row with no wheel on the road (half a second), the car is off it.
OFF_ROAD_STEPS = 25


class RoadSimulator:
    """One car, one track: give it commands step by step, look at pictures.

    The track follows from the seed of `reset`. The simulator begins with its camera high up and
    lowers it in the first second; here the camera is near from the start, so that a pixel is
    always equally wide.

    Parameters
    ----------
    steps : int
        After this many the drive ends; 50 are a second. 1000 is CarRacing's own limit.

    Raises
    ------
    ImportError
        If Gymnasium or its Box2D part is not installed.

    Attributes
    ----------
    frame : uint8 array of shape (96, 96, 3)
        What the camera sees now.
    steps_done : int
        Steps since `reset`.
    steps_off_road : int
        For how many steps in a row all four wheels have been off the road.

    Examples
    --------
    >>> with RoadSimulator(steps=50) as road:  # doctest: +SKIP
    ...     frame = road.reset(seed=3)
    ...     while not road.over:
    ...         frame = road.step(steer=0.0, gas=0.2, brake=0.0)
    """

    frame: np.ndarray

    def __init__(self, steps: int = 1000) -> None:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame must not look for a screen
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        with needed("Gymnasium's CarRacing", "driving", "'dlcourse[rl]'"):
            gymnasium, *_ = map(import_module, ("gymnasium", "Box2D", "pygame"))
        self._env = gymnasium.make("CarRacing-v3", max_episode_steps=steps)
        self._world: Any = self._env.unwrapped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release what the simulator holds."""
        self._env.close()

    def reset(self, seed: int) -> np.ndarray:
        """Put the car at the start of the track of this number, and return what it sees."""
        self._env.reset(seed=seed)
        self._world.t = 1.0  # only the camera uses this clock: it is down after a second
        self.frame = self._world._render("state_pixels")
        self.steps_done = self.steps_off_road = 0
        self._ended = False
        return self.frame

    def step(self, steer: float, gas: float, brake: float) -> np.ndarray:
        """Drive on for a fiftieth of a second, and return what the camera sees then.

        Parameters
        ----------
        steer : float
            From -1, full left, to 1, full right.
        gas, brake : float
            From 0 to 1.
        """
        action = np.array([steer, gas, brake], np.float32)
        self.frame, _, terminated, truncated, _ = self._env.step(action)
        self._ended = terminated or truncated
        self.steps_done += 1
        self.steps_off_road = 0 if self.wheels_on_road else self.steps_off_road + 1
        return self.frame

    @property
    def over(self) -> bool:
        """Whether the drive has ended: lap done, time up, or off the road."""
        return self._ended or self.lap_done or self.off_road

    @property
    def wheels_on_road(self) -> int:
        """How many of the four wheels touch a tile of the road."""
        return sum(bool(wheel.tiles) for wheel in self._world.car.wheels)

    @property
    def off_road(self) -> bool:
        """Whether no wheel has been on the road for half a second."""
        return self.steps_off_road >= OFF_ROAD_STEPS

    @property
    def tiles_visited(self) -> float:
        """Share of the track's tiles that a wheel has touched, from 0 to 1."""
        return float(self._world.tile_visited_count / len(self._world.track))

    @property
    def lap_done(self) -> bool:
        """Whether 95% of the tiles are visited and the car is back at the first, or all are.

        CarRacing asks for the same, but does not notice that the car is back where the rear wheels
        touched the first tile at the start.
        """
        wheels = self._world.car.wheels
        back = any(tile.idx < 3 for wheel in wheels for tile in wheel.tiles)
        return self.tiles_visited == 1 or (self.tiles_visited >= 0.95 and back)

    @property
    def speed(self) -> float:
        """What the speedometer shows, in units of the simulator's world per second.

        The car is 5 units long and the road 13 wide.
        """
        return float(np.hypot(*self._world.car.hull.linearVelocity))

    @property
    def distance_of_step(self) -> float:
        """Units that the car has moved in the last step."""
        return self.speed / STEPS_A_SECOND

    @property
    def classes(self) -> np.ndarray:
        """The true class of each pixel of the frame, (96, 96); see `true_classes`."""
        return true_classes(self._world)
