"""`Handle`: what was started and may not be done yet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence


class Handle(ABC):
    """An operation that was started and may not be done yet.

    Until it is done, its arrays must not be used: an array on its way out must not be changed, one
    on its way in not be read.
    """

    @abstractmethod
    def test(self) -> bool:
        """Return whether it is done, and move it along if it can be; never waits."""

    @abstractmethod
    def wait(self) -> None:
        """Return when it is done.

        Raises
        ------
        CommunicationError
            If it never will be, because another rank failed or hangs.
        """


class Incoming(Handle):
    """A message to be received."""

    source: int | None = None  #: where it came from, once it is here


class Steps(Handle):
    """An operation in several steps: a generator that starts each and gives what to wait for."""

    def __init__(self, steps: Iterator[Sequence[Handle]]) -> None:
        self._steps = steps
        self._pending: Sequence[Handle] | None = next(steps, None)

    def test(self) -> bool:
        while self._pending is not None:
            self._pending = [handle for handle in self._pending if not handle.test()]
            if self._pending:
                return False
            self._pending = next(self._steps, None)
        return True

    def wait(self) -> None:
        while self._pending is not None:
            for handle in self._pending:
                handle.wait()
            self._pending = next(self._steps, None)
