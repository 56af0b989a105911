"""What the training schemes share: gradients as one vector, and their mean over all ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dlcourse.backend import Array, array_module
from dlcourse.lessons.all_reduce import Peer, ring_all_reduce
from dlcourse.nn import Parameter

#: ``compute(step)`` sets the ``grad`` of a rank's parameters, from its own share of the batch of
#: that step, and returns the loss.
Compute = Callable[[int], float]
#: ``average(peer, x)`` replaces a vector by its mean over all ranks, exactly or nearly.
Average = Callable[[Peer, Array], None]


class Stepper(Protocol):
    """An optimizer, as far as the schemes need it."""

    def step(self) -> None:
        """Change the parameters by their gradients."""


def ring_average(peer: Peer, x: Array) -> None:
    """Replace the vector `x` on every rank by its mean over all ranks.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.distributed import Threads
    >>> def work(peer):
    ...     x = np.array([1.0, 10.0]) * peer.rank
    ...     ring_average(peer, x)
    ...     return x
    >>> Threads.run(3, work)
    [array([ 1., 10.]), array([ 1., 10.]), array([ 1., 10.])]
    """
    ring_all_reduce(peer, x)
    x /= peer.size


def join(arrays: Sequence[Array]) -> Array:
    """Return the values of several arrays as one vector: one message in place of many.

    Examples
    --------
    >>> import numpy as np
    >>> join([np.zeros((2, 2)), np.ones(1)])
    array([0., 0., 0., 0., 1.])
    """
    return array_module(*arrays).concatenate([a.reshape(-1) for a in arrays])


def split(vector: Array, like: Sequence[Array]) -> list[Array]:
    """Undo `join`: cut a vector into arrays of the shapes of others. They share its memory.

    Examples
    --------
    >>> import numpy as np
    >>> split(np.arange(5), [np.zeros((2, 2)), np.ones(1)])
    [array([[0, 1],
           [2, 3]]), array([4])]
    """
    parts, start = [], 0
    for array in like:
        parts.append(vector[start : start + array.size].reshape(array.shape))
        start += array.size
    return parts


def gradients(parameters: Sequence[Parameter]) -> list[Array]:
    """Return the gradient of each parameter.

    Raises
    ------
    ValueError
        If one has none.
    """
    missing = sum(p.grad is None for p in parameters)
    if missing:
        raise ValueError(
            f"{missing} of {len(parameters)} parameters have no gradient: "
            "run a backward pass first, on every rank"
        )
    return [p.grad for p in parameters]
