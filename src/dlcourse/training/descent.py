"""`descent`: the step that most trainings make, from a function that leaves gradients."""

from __future__ import annotations

import math
from collections.abc import Callable

from dlcourse.optim import Optimizer, Schedule, clip_grad_norm_
from dlcourse.training.arguments import check_callable, check_kind, check_norm, check_schedule


def descent(
    gradients: Callable[[int], float],
    optimizer: Optimizer,
    *,
    schedule: Schedule | None = None,
    max_norm: float | None = None,
) -> Callable[[int], float]:
    """Return the step of a `Loop` that goes down the gradients which another function leaves.

    Parameters
    ----------
    gradients : callable
        ``gradients(number)`` draws batch `number`, calls ``backward`` and returns the loss.
    optimizer : Optimizer
        Makes the update.
    schedule : Schedule, optional
        Sets the learning rate; its time is the number of the step.
    max_norm : float, optional
        The gradients of all parameters together are shortened to this norm.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.training import Loop
    >>> from dlcourse.nn import Linear, MSELoss
    >>> from dlcourse.optim import SGD
    >>> line, loss = Linear(1, 1, rng=np.random.default_rng(0)), MSELoss()
    >>> optimizer = SGD(line.parameters(), lr=0.5)
    >>> def gradients(number):
    ...     x = np.random.default_rng(number).random((8, 1), dtype=np.float32)
    ...     value = loss(line(x), 3 * x + 1)
    ...     line.backward(loss.backward())
    ...     return value
    >>> step = descent(gradients, optimizer, max_norm=1.0)
    >>> history = Loop(step, {"model": line, "optimizer": optimizer}, progress=False).run(3)
    >>> history["loss"][2] < history["loss"][0]
    True
    """
    check_callable("gradients", gradients, "gradients(number)")
    check_kind("optimizer", optimizer, Optimizer, "an optimizer, such as Adam(model.parameters())")
    if schedule is not None:
        check_schedule(schedule, optimizer)
    check_norm(max_norm)

    def step(number: int) -> float:
        if schedule is not None:
            schedule.move_to(number)
        optimizer.zero_grad()
        loss = gradients(number)
        if loss is None or not math.isfinite(loss):
            return loss  # the loop says what is wrong, and the weights stay as they are
        if max_norm is not None:
            clip_grad_norm_(optimizer.parameters, max_norm)
        optimizer.step()
        return loss

    return step
