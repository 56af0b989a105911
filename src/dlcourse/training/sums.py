"""Adding up what the micro-batches of a step give: scores and gradients, always in one order.

The sums are taken along `tree_sum`, over the micro-batches of a rank and then over ranks. That is
the branch of one tree over all micro-batches, if the number of ranks is a power of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.distributed import Communicator, tree_sum
from dlcourse.nn import Parameter


@dataclass(frozen=True)
class Score:
    """The loss summed over, and the right answers among, a number of images."""

    loss_sum: float
    correct: int
    count: int

    @property
    def loss(self) -> float:
        """Mean loss."""
        return self.loss_sum / self.count

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.correct / self.count

    def __add__(self, other: Score) -> Score:
        return Score(
            self.loss_sum + other.loss_sum, self.correct + other.correct, self.count + other.count
        )


def sum_scores(scores: Sequence[Score], communicator: Communicator) -> Score:
    """Return the sum of the scores of all micro-batches of all ranks.

    Parameters
    ----------
    scores : sequence of Score
        One for each micro-batch of this rank; there may be none.
    communicator : Communicator
        The connection to the other ranks.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> Threads.run(2, lambda c: sum_scores([Score(0.5, c.rank, 1), Score(1.0, 0, 1)], c))[0]
    Score(loss_sum=3.0, correct=1, count=4)
    """
    numbers = np.array(astuple(tree_sum(scores)) if scores else (0, 0, 0), np.float64)
    communicator.allreduce(numbers)
    loss_sum, correct, count = numbers.tolist()
    return Score(loss_sum, int(correct), int(count))


def sum_gradients(
    parameters: Sequence[Parameter],
    gradients: Sequence[Sequence[Array | None]],
    communicator: Communicator,
) -> None:
    """Set every parameter's ``grad`` to the sum over all micro-batches of all ranks.

    A parameter that none has used keeps no gradient: optimizers skip it.

    Parameters
    ----------
    parameters : sequence of Parameter
        Those of the network.
    gradients : sequence of sequences of array
        For each micro-batch of this rank, in order, the gradient of each parameter; there may be
        no micro-batch.
    communicator : Communicator
        The connection to the other ranks.

    Examples
    --------
    >>> from dlcourse.distributed import SingleProcess
    >>> w = Parameter(np.zeros(2, np.float32))
    >>> sum_gradients([w], [[np.ones(2)], [None], [np.ones(2)]], SingleProcess())
    >>> w.grad
    array([2., 2.])
    """
    for i, parameter in enumerate(parameters):
        given = [grad for grads in gradients if (grad := grads[i]) is not None]
        parameter.grad = array_module(*given).ascontiguousarray(tree_sum(given)) if given else None
    if communicator.size > 1:
        used = np.array([parameter.grad is not None for parameter in parameters], np.float64)
        communicator.allreduce(used)
        learnt = [p for p, ranks in zip(parameters, used, strict=True) if ranks]
        for dtype in dict.fromkeys(parameter.data.dtype for parameter in learnt):
            _sum_over_ranks([p for p in learnt if p.data.dtype == dtype], communicator)


def _sum_over_ranks(parameters: Sequence[Parameter], communicator: Communicator) -> None:
    """Add up gradients of one dtype, which go as one message: each costs a latency."""
    xp = array_module(*(parameter.data for parameter in parameters))
    grads = [xp.zeros_like(p.data) if p.grad is None else p.grad for p in parameters]
    together = xp.concatenate([grad.reshape(-1) for grad in grads])
    communicator.allreduce(together)
    ends = np.cumsum([grad.size for grad in grads]).tolist()
    for parameter, grad, end in zip(parameters, grads, ends, strict=True):
        parameter.grad = together[end - grad.size : end].reshape(grad.shape)
