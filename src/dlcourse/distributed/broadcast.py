"""What rank 0 knows, told to all: numbers and texts, and the arrays of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlcourse.backend import Array
from dlcourse.distributed.communicator import Communicator


def broadcast_json(data: Any, communicator: Communicator) -> Any:
    """Return rank 0's data on every rank.

    Parameters
    ----------
    data : anything that JSON can hold
        Only rank 0's counts.
    communicator : Communicator
        The connection to the other ranks.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> Threads.run(2, lambda communicator: broadcast_json(communicator.rank, communicator))
    [0, 0]
    """
    text = np.frombuffer(json.dumps(data).encode(), np.uint8)
    length = np.array([len(text)])
    communicator.broadcast(length)
    if communicator.rank:
        text = np.empty(int(length[0]), np.uint8)
    communicator.broadcast(text)
    return json.loads(text.tobytes())


def broadcast_arrays(arrays: Iterable[Array], communicator: Communicator) -> None:
    """Copy the arrays of rank 0 into those of the other ranks.

    Examples
    --------
    >>> from dlcourse.distributed import Threads
    >>> def work(communicator):
    ...     arrays = [np.full(2, communicator.rank), np.full(1, communicator.rank)]
    ...     broadcast_arrays(arrays, communicator)
    ...     return arrays
    >>> Threads.run(2, work)[1]
    [array([0, 0]), array([0])]
    """
    for array in arrays:
        communicator.broadcast(array)
