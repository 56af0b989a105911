"""What an algorithm sends and receives, found by running it with nobody at the other end.

The algorithms of `dlcourse.lessons.all_reduce` decide by rank and size alone whom to talk to.
So each rank can be run by itself, in a moment and for thousands of ranks, with a `Recorder` in
place of its connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcourse.backend import Array


@dataclass(frozen=True)
class Half:
    """One message as one of its two ranks sees it.

    Attributes
    ----------
    other : int
        The rank at the other end.
    start, stop : int
        Which elements of the array it carries. If it is received into another array, to be added,
        only its length is known: it starts at 0.
    adds : bool
        For what is received: whether it goes into another array, to be added.
    """

    other: int
    start: int
    stop: int
    adds: bool = False


@dataclass(frozen=True)
class Call:
    """One call of ``send``, ``recv`` or ``sendrecv``: the messages that it waits for."""

    send: Half | None = None
    recv: Half | None = None


class Recorder:
    """A `Peer` that writes down what it is asked to do. Nothing is sent, nothing arrives.

    Parameters
    ----------
    rank, size : int
        Which rank it plays, and how many there are.
    x : array
        The array that the algorithm works on.
    """

    def __init__(self, rank: int, size: int, x: Array) -> None:
        self.rank = rank
        self.size = size
        self.calls: list[Call] = []
        self._x = x

    def send(self, array: Array, destination: int) -> None:
        """Write down a message to `destination`."""
        self.calls.append(Call(send=self._half(array, destination)))

    def recv(self, out: Array, source: int) -> None:
        """Write down a message from `source`."""
        self.calls.append(Call(recv=self._half(out, source)))

    def sendrecv(self, array: Array, destination: int, out: Array, source: int) -> None:
        """Write down both."""
        self.calls.append(Call(self._half(array, destination), self._half(out, source)))

    def _half(self, part: Array, other: int) -> Half:
        if part.size and not np.shares_memory(part, self._x):
            return Half(other, 0, part.size, adds=True)
        start = (part.ctypes.data - self._x.ctypes.data) // self._x.itemsize
        return Half(other, start, start + part.size)


def record(
    algorithm: Callable[[Recorder, Array], object], size: int, length: int
) -> list[list[Call]]:
    """Return for each rank what it does in an algorithm, call by call.

    Parameters
    ----------
    algorithm : callable
        ``algorithm(peer, x)``, for instance `ring_all_reduce`. Whom it talks to must not depend
        on what arrives.
    size : int
        How many ranks.
    length : int
        How many elements the array has.

    Examples
    --------
    >>> from dlcourse.lessons.all_reduce import tree_all_reduce
    >>> first, second = record(tree_all_reduce, size=2, length=6)
    >>> first[0]
    Call(send=None, recv=Half(other=1, start=0, stop=6, adds=True))
    >>> second[0]
    Call(send=Half(other=0, start=0, stop=6, adds=False), recv=None)
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 rank, found {size}")
    recordings = []
    for rank in range(size):
        x = np.zeros(length, np.uint8)
        recorder = Recorder(rank, size, x)
        algorithm(recorder, x)
        recordings.append(recorder.calls)
    return recordings
