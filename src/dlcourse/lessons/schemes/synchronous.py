"""Synchronous SGD: all ranks wait for the mean of their gradients, and take the same step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.lessons.all_reduce import Peer
from dlcourse.lessons.schemes.gradients import (
    Average,
    Compute,
    Stepper,
    gradients,
    join,
    ring_average,
    split,
)
from dlcourse.nn import Parameter


def synchronous_sgd(
    peer: Peer,
    parameters: Sequence[Parameter],
    optimizer: Stepper,
    compute: Compute,
    steps: int,
    average: Average = ring_average,
) -> np.ndarray:
    """Train the ranks' equal networks so that they stay equal.

    The mean of the gradients of p equal shares is the gradient of the whole batch, so this is
    what one worker would do with a batch p times as large, up to the rounding of sums.

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
        How many steps to take.
    average : callable
        How to take the mean: `ring_average`, or a compression such as `TopK`.

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
    ...     synchronous_sgd(peer, [w], SGD([w], lr=0.5), compute, steps=20)
    ...     return round(float(w.data[0]), 3)
    >>> Threads.run(3, work)
    [1.0, 1.0, 1.0]
    """
    losses = np.zeros(steps)
    for step in range(steps):
        losses[step] = compute(step)
        own = gradients(parameters)
        vector = join(own)
        average(peer, vector)
        for parameter, grad in zip(parameters, split(vector, own), strict=True):
            parameter.grad = grad
        optimizer.step()
    ring_average(peer, losses)
    return losses
