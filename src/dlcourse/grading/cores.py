"""A core of the processor for judge and worker, which take turns."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dlcourse.files import locked


class Core:
    """A core that no other judge of this user has, as long as this object is open.

    Only one of judge and worker computes at a time. On one core the other goes on at once; to wake
    it on another core takes longer than most calls.

    Parameters
    ----------
    folder : Path
        Where it is noted which core is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._taken = ExitStack()
        self._core: int | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for core in sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else ():
            with suppress(BlockingIOError):
                self._taken.enter_context(locked(folder / f"core-{core}"))
                self._core = core
                break

    @contextmanager
    def held(self) -> Iterator[None]:
        """Run this thread, and what it starts meanwhile, on the core; anywhere if all are taken."""
        if self._core is None:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def close(self) -> None:
        """Leave the core to others."""
        self._taken.close()
