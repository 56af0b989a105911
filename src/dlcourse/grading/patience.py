"""How long a cell or a test may take, and what tells that it takes longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long a cell or a test may take.

    Attributes
    ----------
    processor : float
        Seconds that the learner's code may compute.
    wall : float
        Seconds by the clock.
    idle : float
        Seconds that it may do nothing while it is waited for.
    whole : float
        Seconds by the clock for all; tests that come later are not run.
    """

    processor: float = 120.0
    wall: float = 1200.0
    idle: float = 20.0
    whole: float = 1500.0


class Watch:
    """Looks at the time of a program that is waited for.

    Parameters
    ----------
    patience : Patience
        What it may take.
    computed : callable
        Returns its processor seconds so far.
    runs : callable
        Returns whether it computes now, or waits for its turn.
    """

    def __init__(
        self, patience: Patience, computed: Callable[[], float], runs: Callable[[], bool]
    ) -> None:
        self._patience, self._computed_so_far, self._runs = patience, computed, runs
        self.begin()

    def begin(self) -> None:
        """Begin a cell or a test: its time starts now."""
        self._since = self._asked = time.monotonic()
        self._computed = self._computed_so_far()
        self._idle_from: float | None = None  # what it had computed when the wait began

    def wait(self) -> None:
        """Begin to wait for it once more."""
        self._asked, self._idle_from = time.monotonic(), None

    def look(self) -> str:
        """Return why it has taken too long, "" if it has not."""
        patience = self._patience
        now, computed = time.monotonic(), self._computed_so_far()
        idle = self._idle_from
        # On a busy machine it may wait for its turn, which is not idle.
        busy = idle is None or computed - idle > 0.02 * (now - self._asked)
        if busy or self._runs():
            self._asked, self._idle_from = now, computed
        if computed - self._computed > patience.processor:
            return f"it computed for more than {patience.processor:g} seconds"
        if now - self._since > patience.wall:
            return f"it took more than {patience.wall:g} seconds"
        if now - self._asked > patience.idle:
            return f"it did nothing for {patience.idle:g} seconds; what does it wait for?"
        return ""
