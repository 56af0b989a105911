"""From the class of each pixel to commands for the car: a proportional-derivative controller."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlcourse.applications.driving.planner import Plan, angle_to, plan


@dataclass
class Driver:
    """Steers for the middle of the road ahead, and slows down where it bends.

    The wheel is turned in proportion to the angle of the near point of the `plan`, plus the change
    of that angle since the step before: as soon as the angle shrinks, the wheel goes back, and the
    car does not swing from side to side. The speed to hold falls with the angle of the far point.

    Parameters
    ----------
    steer_gain, steer_damping : float
        How far the wheel turns for an angle of one radian, and for a change of one per step.
    fastest, slowest : float
        Speeds on a straight and in the sharpest bend, in units of the simulator's world per second.
    caution : float
        How much slower to go for a bend of one radian.

    Attributes
    ----------
    plan : Plan or None
        The one of the last step; None where no road was seen. Then the wheel stays as it is.

    Examples
    --------
    >>> from dlcourse.applications.driving.labels import ROAD
    >>> classes = np.zeros((96, 96), int)
    >>> classes[:, 40:57] = ROAD  # straight ahead
    >>> steer, gas, brake = Driver().act(classes, speed=20.0)
    >>> steer, gas > 0.3, brake
    (0.0, True, 0.0)
    """

    steer_gain: float = 1.5
    steer_damping: float = 3.0
    fastest: float = 60.0
    slowest: float = 22.0
    caution: float = 45.0
    plan: Plan | None = field(default=None, init=False)
    _angle: float = field(default=0.0, init=False)
    _steer: float = field(default=0.0, init=False)

    def act(self, classes: np.ndarray, speed: float) -> tuple[float, float, float]:
        """Return how to steer (-1 to 1), and gas and brake (0 to 1).

        Parameters
        ----------
        classes : int array of shape (96, 96)
            The class of each pixel of what the camera sees.
        speed : float
            What the speedometer shows, in units per second.
        """
        self.plan = plan(classes)
        if self.plan is None:
            return self._steer, 0.0, 0.2 if speed > self.slowest else 0.0
        angle = angle_to(self.plan.near)
        change, self._angle = angle - self._angle, angle
        self._steer = float(np.clip(self.steer_gain * angle + self.steer_damping * change, -1, 1))
        bend = abs(angle_to(self.plan.far))
        wanted = float(np.clip(self.fastest - self.caution * bend, self.slowest, self.fastest))
        # Less gas while steering: the rear wheels, which drive this car, also hold it in the bend.
        gas = float(np.clip(0.05 * (wanted - speed), 0, 0.5)) * (1 - 0.6 * abs(self._steer))
        brake = float(np.clip(0.03 * (speed - wanted - 3), 0, 0.6))
        return self._steer, gas, brake
