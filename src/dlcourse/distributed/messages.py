"""`Messages`: what one rank says to another, whatever carries it.

A rank is one of several workers that run the same program. They have no arrays in common: what
one knows and another needs has to be sent. Each kind of communicator brings along a send and a
receive that do not wait; all others are made of these two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from dlcourse.backend import Array

#: Tags below this are the user's; those of `Communicator` are not.
USER_TAGS = 1024


class CommunicationError(RuntimeError):
    """Another rank failed, hangs, or does something other than this one expects."""


class Handle(ABC):
    """A message that was started and may not be done yet.

    Until it is done, its array must not be used: an array on its way out must not be changed, one
    on its way in not be read.
    """

    source: int | None = None  #: where a message came from, once it is here

    @abstractmethod
    def wait(self) -> None:
        """Return when it is done.

        Raises
        ------
        CommunicationError
            If it never will be, because another rank failed or hangs.
        """


class Messages(ABC):
    """What ranks exchange two by two; the base of `Communicator`.

    Attributes
    ----------
    rank : int
        This rank's number, from 0.
    size : int
        How many ranks there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank = rank
        self.size = size

    @abstractmethod
    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        """Start to send; `what` is the operation, for messages."""

    @abstractmethod
    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Handle:
        """Start to receive from a rank, or from whichever sends first."""

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

    def irecv(self, out: Array, source: int | None = None, tag: int = 0) -> Handle:
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
    >>> import numpy as np
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
    if not 0 <= tag < USER_TAGS:
        raise ValueError(f"tag must lie from 0 to {USER_TAGS - 1}, found {tag}")
    return tag
