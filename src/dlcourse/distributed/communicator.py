"""`Communicator`: what ranks say to each other, whatever carries it.

A rank is one of several workers that run the same program. They have no arrays in common: what
one knows and another needs has to be sent. Everything below is made of two operations that each
kind of communicator brings along: a send and a receive that do not wait. All others are written
once, so that threads and processes do the same work in the same order, and get the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.distributed.handle import Handle, Incoming, Steps
from dlcourse.distributed.reduction import pieces, tree_sum

#: Tags below this are the user's.
_USER_TAGS = 1024
#: Collective operations may be in flight at the same time; each has two tags of its own.
_IN_FLIGHT = 8192


class CommunicationError(RuntimeError):
    """Another rank failed, hangs, or does something other than this one expects."""


class Communicator(ABC):
    """One rank's connection to the others.

    Arrays that are sent or received must be C-contiguous. Ranks call collective operations
    (`broadcast`, `allreduce`, `reduce_scatter`, `allgather`, `barrier`) in the same order, each
    with arrays of the same shape and dtype.

    Attributes
    ----------
    rank : int
        This rank's number, from 0.
    size : int
        How many ranks there are.

    Examples
    --------
    Four ranks add up their numbers; here they are threads.

    >>> from dlcourse.distributed import Threads
    >>> def work(communicator):
    ...     x = np.full(3, communicator.rank, np.float32)
    ...     communicator.allreduce(x)
    ...     return x
    >>> Threads.run(4, work)[0]
    array([6., 6., 6.], dtype=float32)
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size
        self._collectives = 0

    @property
    @abstractmethod
    def cores(self) -> int:
        """How many cores this rank may use without taking one from another rank."""

    @abstractmethod
    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        """Start to send; `what` is the operation, for messages."""

    @abstractmethod
    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Incoming:
        """Start to receive from a rank, or from whichever sends first."""

    # A layer may hold a communicator; a copy of the layer speaks through the same one.
    def __deepcopy__(self, memo: object) -> Self:
        return self

    # -- from one rank to another --------------------------------------------------------

    def isend(self, array: Array, destination: int, tag: int = 0) -> Handle:
        """Start to send an array, and return at once.

        Parameters
        ----------
        array : array
            Must stay as it is until the handle is done.
        destination : int
            The rank that receives it.
        tag : int
            From 0 to 1023; a message is received under the tag it was sent with. Messages of one
            tag arrive in order.
        """
        return self._isend(check_array(array), self._peer(destination), _tag(tag), "send")

    def irecv(self, out: Array, source: int | None = None, tag: int = 0) -> Incoming:
        """Start to receive into an array, and return at once.

        Parameters
        ----------
        out : array
            It must have the shape and dtype of what is sent.
        source : int, optional
            The rank that sends; whichever comes first when left out. The handle's ``source``
            then tells which.
        tag : int
            See `isend`.
        """
        source = None if source is None else self._peer(source)
        return self._irecv(check_array(out), source, _tag(tag), "recv")

    def send(self, array: Array, destination: int, tag: int = 0) -> None:
        """Send an array, and wait until it may be changed again.

        That may take until the other rank receives it. Two ranks that both send first wait for
        each other forever: use `sendrecv`.
        """
        self.isend(array, destination, tag).wait()

    def recv(self, out: Array, source: int | None = None, tag: int = 0) -> int:
        """Receive into an array, and return the rank that sent it."""
        handle = self.irecv(out, source, tag)
        handle.wait()
        assert handle.source is not None
        return handle.source

    def sendrecv(
        self, array: Array, destination: int, out: Array, source: int, tag: int = 0
    ) -> None:
        """Send one array and receive another at the same time, as around a ring."""
        incoming = self.irecv(out, source, tag)
        outgoing = self.isend(array, destination, tag)
        incoming.wait()
        outgoing.wait()

    # -- all ranks together --------------------------------------------------------------

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the array of rank `root` into that of every other rank.

        It goes along a binomial tree: the number of ranks that have it doubles with each round.
        """
        check_array(array)
        self._check_root(root)
        tag = self._next_tag()
        place = (self.rank - root) % self.size
        reach = 1  # the highest power of two in `place`: where its parent is, and its children end
        while reach <= place:
            reach *= 2
        if place:
            parent = (place - reach // 2 + root) % self.size
            self._irecv(array, parent, tag, "broadcast").wait()
        handles = []
        while place + reach < self.size:
            child = (place + reach + root) % self.size
            handles.append(self._isend(array, child, tag, "broadcast"))
            reach *= 2
        for handle in handles:
            handle.wait()

    def iallreduce(self, array: Array) -> Handle:
        """Start to replace the array of every rank by the sum over all ranks.

        Each rank owns a piece (`pieces`): it receives that piece from all others, adds up along
        `tree_sum`, and sends the sum to all. That is 2 (size - 1) messages per rank, less than
        two arrays in total, the least that an all-reduce can do with (Patarasuk and Yuan 2009). The
        order of the sum is always the same, so all ranks get the same bits, and get them every
        time.

        Returns
        -------
        Handle
            Done when `array` holds the sum. Several may be under way.
        """
        return Steps(self._allreduce(check_array(array), self._next_tag()))

    def allreduce(self, array: Array) -> None:
        """Replace the array of every rank by the sum over all ranks; see `iallreduce`."""
        self.iallreduce(array).wait()

    def reduce_scatter(self, array: Array) -> Array:
        """Return this rank's piece of the sum over all ranks.

        Parameters
        ----------
        array : array
            Not changed.

        Returns
        -------
        array of shape (L,)
            Piece number `rank` of the values in a row, as `pieces` cuts them.
        """
        own: list[Array] = []
        flat = check_array(array).reshape(-1)
        Steps(self._reduce_scatter(flat, self._next_tag(), "reduce_scatter", own)).wait()
        return own[0]

    def allgather(self, array: Array) -> Array:
        """Return the arrays of all ranks, joined along the first axis in the order of ranks.

        Their lengths along it may differ.
        """
        check_array(array)
        if array.ndim == 0:
            raise ValueError("allgather joins along the first axis, found an array without axes")
        lengths = np.zeros(self.size, np.int64)
        lengths[self.rank] = len(array)
        counts = [lengths[r : r + 1] for r in range(self.size)]
        Steps(self._exchange(counts, self._next_tag(), "allgather")).wait()
        joined, parts = self._join(array, lengths)
        Steps(self._exchange(parts, self._next_tag(), "allgather")).wait()
        return joined

    def barrier(self) -> None:
        """Wait until every rank has got here."""
        nothing = [np.empty(0, np.uint8)] * self.size
        Steps(self._exchange(nothing, self._next_tag(), "barrier")).wait()

    # -- the steps of operations that may be under way together --------------------------

    def _allreduce(self, array: Array, tag: int) -> Iterator[Sequence[Handle]]:
        if self.size == 1:
            return
        flat = array.reshape(-1)
        own: list[Array] = []
        yield from self._reduce_scatter(flat, tag, "allreduce", own)
        parts = [flat[piece] for piece in pieces(flat.size, self.size)]
        parts[self.rank][...] = own[0]
        yield from self._exchange(parts, tag + 1, "allreduce")

    def _reduce_scatter(
        self, flat: Array, tag: int, what: str, result: list[Array]
    ) -> Iterator[Sequence[Handle]]:
        parts = [flat[piece] for piece in pieces(flat.size, self.size)]
        own = parts[self.rank]
        received = [own if r == self.rank else array_module(own).empty_like(own) for r in self._all]
        yield [
            *(self._irecv(received[r], r, tag, what) for r in self._others),
            *(self._isend(parts[r], r, tag, what) for r in self._others),
        ]
        result.append(tree_sum(received) if self.size > 1 else own.copy())

    def _exchange(self, parts: Sequence[Array], tag: int, what: str) -> Iterator[Sequence[Handle]]:
        """Send this rank's part to all, and receive theirs into theirs."""
        yield [
            *(self._irecv(parts[r], r, tag, what) for r in self._others),
            *(self._isend(parts[self.rank], r, tag, what) for r in self._others),
        ]

    def _join(self, array: Array, lengths: np.ndarray) -> tuple[Array, list[Array]]:
        """Return an array with room for all ranks' arrays, this rank's in place, and its parts."""
        shape = (int(lengths.sum()), *array.shape[1:])
        joined = array_module(array).empty(shape, array.dtype)
        ends = np.cumsum(lengths).tolist()
        parts = [joined[end - n : end] for n, end in zip(lengths.tolist(), ends, strict=True)]
        parts[self.rank][...] = array
        return joined, parts

    @property
    def _all(self) -> range:
        return range(self.size)

    @property
    def _others(self) -> list[int]:
        # Each begins with the rank after it, so that they do not all send to the same one at once.
        return [(self.rank + i) % self.size for i in range(1, self.size)]

    def _next_tag(self) -> int:
        self._collectives += 1
        return _USER_TAGS + 2 * (self._collectives % _IN_FLIGHT)

    def _check_root(self, root: int) -> None:
        if not 0 <= root < self.size:
            raise ValueError(f"root must lie from 0 to {self.size - 1}, found {root}")

    def _peer(self, rank: int) -> int:
        if not 0 <= rank < self.size or rank == self.rank:
            raise ValueError(
                f"rank {self.rank} of {self.size} can exchange messages with another rank from 0 "
                f"to {self.size - 1}, found {rank}"
            )
        return rank


def check_array(array: Array) -> Array:
    """Return an array that can be sent or received as it is.

    Raises
    ------
    ValueError
        If it is not an array, or its values do not lie in one piece.

    Examples
    --------
    >>> check_array(np.zeros((2, 3)).T)
    Traceback (most recent call last):
    ...
    ValueError: expected a C-contiguous array to send or receive, found one of shape (3, 2) in \
another order; use ascontiguousarray
    """
    if not (hasattr(array, "flags") and array.flags.c_contiguous):
        raise ValueError(
            "expected a C-contiguous array to send or receive, found "
            + (
                f"one of shape {array.shape} in another order; use ascontiguousarray"
                if hasattr(array, "flags")
                else f"{type(array).__name__}; make an array of it"
            )
        )
    return array


def _tag(tag: int) -> int:
    if not 0 <= tag < _USER_TAGS:
        raise ValueError(f"tag must lie from 0 to {_USER_TAGS - 1}, found {tag}")
    return tag
