"""From the class of each pixel to a point to aim at: a wave that runs along the road."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.applications.driving.labels import CAR, CAR_PLACE, PIXELS_PER_UNIT, ROAD

#: How far the wave runs, in pixels: to the point to steer for, and to the one that sets the speed.
NEAR, FAR = 18, 44


class Plan(NamedTuple):
    """Where the road goes from the car."""

    near: tuple[float, float]  #: column and row of the point to steer for
    far: tuple[float, float]  #: column and row of the point farther on, which sets the speed
    reach: int  #: how far the wave got, in pixels; less than `FAR` where the road ends in sight


def plan(classes: np.ndarray) -> Plan | None:
    """Follow the road from the car, and return two points in the middle of it.

    A wave starts across the road at the car and runs on by one pixel per round, over road only and
    not behind the car. After `NEAR` rounds the middle of its front is the point to steer for. So
    the road is followed round bends where no single row of the picture shows the way.

    Parameters
    ----------
    classes : int array of shape (96, 96)
        The class of each pixel, true or predicted.

    Returns
    -------
    Plan or None
        None if there is no road at the car or ahead of it.

    Examples
    --------
    >>> classes = np.zeros((96, 96), int)
    >>> classes[:, 40:57] = ROAD
    >>> plan(classes)
    Plan(near=(48.0, 48.0), far=(48.0, 22.0), reach=44)
    """
    column, row = CAR_PLACE
    free = (classes == ROAD) | (classes == CAR)  # the car stands on the road
    free[row + 4 :] = False
    reached = np.zeros_like(free)
    reached[row - 6 : row + 4, column - 3 : column + 4] = True
    reached &= free
    near = far = None
    front = reached
    for distance in range(1, FAR + 1):
        grown = _neighbours(reached, corners=distance % 2 == 0) & free
        front_now = grown & ~reached
        if not front_now.any():
            break
        reached, front = grown, front_now
        far, reach = _middle(front), distance
        if distance <= NEAR:
            near = far
    if near is None or far is None:
        return None
    return Plan(near, far, reach)


def angle_to(point: tuple[float, float]) -> float:
    """Return the direction of a point from the car, in radians; 0 is ahead, right is positive.

    Examples
    --------
    >>> angle_to((48, 20))
    0.0
    """
    (column, row), (across, up) = CAR_PLACE, PIXELS_PER_UNIT
    return float(np.arctan2((point[0] - column) / across, (row - point[1]) / up))


def _neighbours(reached: np.ndarray, corners: bool) -> np.ndarray:
    """All that is reached one pixel farther on; every other round across corners, too.

    Either way alone would make the front a diamond or a square; in turn they make an octagon,
    which is nearly a circle.
    """
    grown = reached.copy()
    grown[1:] |= reached[:-1]
    grown[:-1] |= reached[1:]
    if corners:
        reached = grown.copy()
    grown[:, 1:] |= reached[:, :-1]
    grown[:, :-1] |= reached[:, 1:]
    return grown


def _middle(front: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(front)
    return float(columns.mean()), float(rows.mean())
