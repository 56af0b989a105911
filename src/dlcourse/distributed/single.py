"""`SingleProcess`: the communicator of a rank that is alone."""

from __future__ import annotations

import os

from dlcourse.backend import Array
from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import Handle


class SingleProcess(Communicator):
    """One rank. Collective operations have nothing to do, and there is nobody to send to.

    Examples
    --------
    >>> import numpy as np
    >>> communicator = SingleProcess()
    >>> communicator.reduce_scatter(np.arange(3))
    array([0, 1, 2])
    """

    def __init__(self) -> None:
        super().__init__(rank=0, size=1)

    @property
    def cores(self) -> int:
        return len(available_cores())

    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        raise AssertionError("there is no other rank")

    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Handle:
        # `_peer` lets no rank through; only "from whichever" comes here.
        raise ValueError("a single rank can receive from nobody")


def available_cores() -> set[int]:
    """Return the numbers of the cores that this process may use.

    A container or a cluster's scheduler may have cut them down.

    Examples
    --------
    >>> len(available_cores()) >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
