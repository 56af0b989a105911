"""See, segment, decide, act: a driver with a proportional-derivative controller."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlcourse.driving.planner import Plan, angle_to, plan


@dataclass
class Driver:
    """Turns the class of each pixel into commands for the car."""

    steer_gain: float = 1.5
    steer_damping: float = 3.0
    fastest: float = 60.0
    slowest: float = 22.0
    caution: float = 45.0
    _last_angle: float = field(default=0.0, init=False)
    _last: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0), init=False)
    plan: Plan | None = field(default=None, init=False)

    def act(self, classes: np.ndarray, speed: float) -> tuple[float, float, float]:
        self.plan = plan(classes)
        if self.plan is None:
            return self._last[0], 0.0, 0.2 if speed > self.slowest else 0.0
        angle = angle_to(self.plan.near)
        change, self._last_angle = angle - self._last_angle, angle
        steer = float(np.clip(self.steer_gain * angle + self.steer_damping * change, -1, 1))
        bend = abs(angle_to(self.plan.far))
        wanted = float(np.clip(self.fastest - self.caution * bend, self.slowest, self.fastest))
        gas = float(np.clip(0.05 * (wanted - speed), 0, 0.5)) * (1 - 0.6 * abs(steer))
        brake = float(np.clip(0.03 * (speed - wanted - 3), 0, 0.6))
        self._last = (steer, gas, brake)
        return self._last
