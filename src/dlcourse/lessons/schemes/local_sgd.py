"""Local SGD: every rank trains by itself, and now and then all average their weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.lessons.all_reduce import Peer
from dlcourse.lessons.schemes.gradients import Compute, Stepper, join, ring_average, split
from dlcourse.nn import Parameter


def local_sgd(
    peer: Peer,
    parameters: Sequence[Parameter],
    optimizer: Stepper,
    compute: Compute,
    steps: int,
    period: int,
) -> np.ndarray:
    """Train on each rank alone, and average the weights after every `period` steps.

    That takes 1 / `period` of the messages. Between two averages the ranks drift apart, so the
    result is not that of one large batch. Stich (2019) proves for convex losses that it converges;
    federated learning averages in the same way (McMahan et al. 2017). What an optimizer keeps
    besides the weights, such as a velocity, stays each rank's own.

    Parameters
    ----------
    peer : Peer
        This rank.
    parameters : sequence of Parameter
        With the same values on all ranks to begin with.
    optimizer : optimizer
        Made for these parameters; anything with ``step()``.
    compute : callable
        ``compute(step)`` sets the gradients from this rank's share, and returns its loss.
    steps : int
        How many steps to take; a multiple of `period`, so that the ranks end equal.
    period : int
        Steps from one average to the next. With 1 and plain SGD it is synchronous SGD.

    Returns
    -------
    array of shape (steps,)
        The mean loss of each step over all ranks.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> from dlcourse.optim import SGD
    >>> def work(peer):  # rank r pulls the weight towards r
    ...     w = Parameter(np.zeros(1, np.float32))
    ...     def compute(step):
    ...         w.grad = w.data - peer.rank
    ...         return float((w.data[0] - peer.rank) ** 2 / 2)
    ...     local_sgd(peer, [w], SGD([w], lr=0.5), compute, steps=20, period=5)
    ...     return round(float(w.data[0]), 3)
    >>> Threads.run(3, work)
    [1.0, 1.0, 1.0]
    """
    if period < 1 or steps % period:
        raise ValueError(
            f"steps must be a multiple of period, so that the ranks end with equal weights; "
            f"found {steps} steps with a period of {period}"
        )
    weights = [p.data for p in parameters]
    losses = np.zeros(steps)
    for step in range(steps):
        losses[step] = compute(step)
        optimizer.step()
        if (step + 1) % period == 0:
            vector = join(weights)
            ring_average(peer, vector)
            for own, mean in zip(weights, split(vector, weights), strict=True):
                own[...] = mean
    ring_average(peer, losses)
    return losses
