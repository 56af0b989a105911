"""`Peer`: what an algorithm needs to know about the rank it runs on, and about its messages."""

from __future__ import annotations

from typing import Protocol

from dlcourse.backend import Array


class Peer(Protocol):
    """One of several workers that run the same code and can only send messages.

    Every `dlcourse.distributed.Communicator` is one. An algorithm is called on all ranks, each
    with its own `Peer`; what it does depends on `rank` and `size` alone.
    """

    @property
    def rank(self) -> int:
        """Which of the workers this is, from 0 to ``size - 1``."""

    @property
    def size(self) -> int:
        """How many workers there are."""

    def send(self, array: Array, destination: int, /) -> None:
        """Send a contiguous array to a rank."""

    def recv(self, out: Array, source: int, /) -> object:
        """Wait for the next array from a rank, and write it into `out`."""

    def sendrecv(self, array: Array, destination: int, out: Array, source: int, /) -> None:
        """Do both at once, so that two ranks that send to each other do not wait forever."""


def flat(x: Array) -> Array:
    """Return `x` as a vector that shares its memory.

    Raises
    ------
    ValueError
        If `x` does not lie in one piece, so that changes to a vector would be lost.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((2, 3))
    >>> flat(x)[:] = 1
    >>> x.sum()
    np.float64(6.0)
    """
    if not x.flags.c_contiguous:
        raise ValueError(
            f"expected an array that lies in one piece, found strides {x.strides} for shape "
            f"{x.shape}; pass a copy, and copy the result back"
        )
    return x.reshape(-1)
