"""`Threads`: ranks that are threads of one process, to learn with and to test with.

The thread that calls `Threads.run` waits, and computes nothing. Each rank is one thread more; it
trains as a process would, with workers of its own (`dlcourse.training.parallel`), and has its part
of the cores.

A message is a copy from one thread's array into another's. No message can be lost, so when every
rank waits for another one, it is clear at once that they will wait forever.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dlcourse.backend import Array
from dlcourse.blas import blas_held
from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import CommunicationError, Handle
from dlcourse.distributed.single import available_cores
from dlcourse.workers import own_threads

T = TypeVar("T")


class Threads(Communicator):
    """One rank of several that are threads of this process; `run` makes them.

    It is strict: `send` waits until the message is received, as MPI's may. So what runs here does
    not depend on a message fitting into a buffer.
    """

    def __init__(self, rank: int, size: int, group: _Group) -> None:
        super().__init__(rank, size)
        self._group = group

    @staticmethod
    def run(size: int, work: Callable[[Threads], T], *, timeout: float = 60.0) -> list[T]:
        """Call `work` once for each rank, each on a thread of its own.

        Parameters
        ----------
        size : int
            How many ranks.
        work : callable
            Takes the rank's communicator.
        timeout : float
            Seconds that a rank may wait for another that goes on computing.

        Returns
        -------
        list
            What `work` returned on each rank, in order.

        Raises
        ------
        CommunicationError
            If a rank fails (the cause is its own error), if all wait for each other, or if one
            waits too long. The other ranks end as well.

        Examples
        --------
        >>> import numpy as np
        >>> def work(communicator):
        ...     got = np.empty(1)
        ...     right, left = (communicator.rank + 1) % 3, (communicator.rank - 1) % 3
        ...     communicator.sendrecv(np.array([10.0 * communicator.rank]), right, got, left)
        ...     return got[0].item()
        >>> Threads.run(3, work)
        [20.0, 0.0, 10.0]
        >>> Threads.run(2, lambda c: c.recv(np.empty(1), 1 - c.rank))
        Traceback (most recent call last):
        ...
        dlcourse.distributed.messages.CommunicationError: every rank waits for another, and \
none can go on: rank 0 in recv for a message from rank 1; rank 1 in recv for a message from rank 0
        """
        if size < 1:
            raise ValueError(f"size must be at least 1, found {size}")
        group = _Group(size, timeout)
        results: list[T | None] = [None] * size

        def start(rank: int) -> None:
            try:
                with own_threads(_cores(size)):
                    results[rank] = work(Threads(rank, size, group))
            except BaseException as error:
                group.fail(rank, error)
            finally:
                group.leave(rank)

        threads = [
            threading.Thread(target=start, args=(rank,), name=f"rank {rank}", daemon=True)
            for rank in range(size)
        ]
        with blas_held():  # its threads are the whole process's
            for thread in threads:
                thread.start()
            group.join(threads)
        if group.error is not None:
            raise group.error from group.cause
        return results  # type: ignore[return-value]

    @property
    def cores(self) -> int:
        return _cores(self.size)

    def _isend(self, array: Array, destination: int, tag: int, what: str) -> Handle:
        return self._group.post(_Message(self, array, destination, tag, what, True, self.rank))

    def _irecv(self, out: Array, source: int | None, tag: int, what: str) -> Handle:
        return self._group.post(_Message(self, out, self.rank, tag, what, False, source))


@dataclass(eq=False)
class _Message(Handle):
    """One end of a message: what a rank sends, or what it wants to receive."""

    owner: Threads
    array: Array
    destination: int
    tag: int
    what: str
    outgoing: bool
    source: int | None = None
    done: bool = False

    def wait(self) -> None:
        self.owner._group.wait(self)

    def __str__(self) -> str:
        if self.outgoing:
            return f"rank {self.owner.rank} in {self.what} to rank {self.destination}"
        sender = "any rank" if self.source is None else f"rank {self.source}"
        return f"rank {self.owner.rank} in {self.what} for a message from {sender}"


class _Group:
    """What the threads share: messages on their way, which rank waits for what, and errors."""

    def __init__(self, size: int, timeout: float) -> None:
        self.timeout = timeout
        self.error: CommunicationError | None = None
        self.cause: BaseException | None = None
        self._changed = threading.Condition()
        self._sends: dict[tuple[int, int], list[_Message]] = defaultdict(list)
        self._receives: dict[tuple[int, int], list[_Message]] = defaultdict(list)
        self._waiting: dict[int, _Message] = {}
        self._working = set(range(size))

    def post(self, message: _Message) -> _Message:
        """Hand a message over if the other end of it is here, or keep it until then."""
        with self._changed:
            self._check()
            place = (message.destination, message.tag)
            mine, theirs = self._sends[place], self._receives[place]
            if not message.outgoing:
                mine, theirs = theirs, mine
            for other in theirs:
                if None in (message.source, other.source) or message.source == other.source:
                    theirs.remove(other)
                    _deliver(*((message, other) if message.outgoing else (other, message)))
                    self._changed.notify_all()
                    break
            else:
                mine.append(message)
            return message

    def wait(self, message: _Message) -> None:
        with self._changed:
            until = time.monotonic() + self.timeout
            self._waiting[message.owner.rank] = message
            try:
                self._find_deadlock()
                while not message.done:
                    self._check()
                    left = until - time.monotonic()
                    if left <= 0:
                        self._set_error(
                            f"{message} has waited {self.timeout:g} s, while "
                            f"{_ranks(self._working - self._waiting.keys())} went on computing"
                        )
                    self._changed.wait(left)
            finally:
                del self._waiting[message.owner.rank]

    def fail(self, rank: int, error: BaseException) -> None:
        """Note the first error of a rank, which ends the others."""
        with self._changed:
            if self.error is None:
                self.cause = error
                self._set_error(f"rank {rank} failed: {type(error).__name__}: {error}")

    def leave(self, rank: int) -> None:
        """Note that a rank is done: nothing more will come from it."""
        with self._changed:
            self._working.discard(rank)
            self._find_deadlock()
            self._changed.notify_all()

    def join(self, threads: list[threading.Thread]) -> None:
        """Wait until all ranks are done, or one has failed and those that wait have ended."""
        try:
            with self._changed:
                self._changed.wait_for(lambda: self.error is not None or not self._working)
                # One that computes forever cannot be stopped; it is left behind.
                self._changed.wait_for(lambda: not self._working, timeout=1.0)
        except BaseException:  # the user interrupts
            with self._changed:
                self._set_error("interrupted")
            raise

    def _check(self) -> None:
        if self.error is not None:
            raise CommunicationError(str(self.error)) from self.cause

    def _set_error(self, text: str) -> None:
        self.error = self.error or CommunicationError(text)
        self._changed.notify_all()

    def _find_deadlock(self) -> None:
        stuck = [self._waiting[r] for r in sorted(self._waiting) if not self._waiting[r].done]
        if stuck and len(stuck) == len(self._working):
            everyone = "every rank waits" if len(stuck) > 1 else "the last rank waits"
            self._set_error(
                f"{everyone} for another, and none can go on: {'; '.join(map(str, stuck))}"
            )


def _deliver(sent: _Message, wanted: _Message) -> None:
    if sent.what != wanted.what and sent.what != "send":
        raise ValueError(
            f"ranks must call the same operations in the same order, but {sent}, and {wanted}"
        )
    if sent.array.shape != wanted.array.shape or sent.array.dtype != wanted.array.dtype:
        raise ValueError(
            f"{wanted} expects {wanted.array.dtype} of shape {wanted.array.shape}, found "
            f"{sent.array.dtype} of shape {sent.array.shape}"
        )
    wanted.array[...] = sent.array
    wanted.source = sent.source
    sent.done = wanted.done = True


def _cores(size: int) -> int:
    return max(1, len(available_cores()) // size)


def _ranks(ranks: set[int]) -> str:
    return f"rank {', '.join(map(str, sorted(ranks)))}"
