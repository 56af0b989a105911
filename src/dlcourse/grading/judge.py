"""The judge: runs the tests, and asks the learner's code, which runs in a worker, for answers.

Tests are the text of the assignment, as a learner runs them in a notebook. Here the learner's
functions and classes are stand-ins for those in the worker, and what a test hands to them stays
here, or crosses as data. Nothing in this process is the learner's.
"""

from __future__ import annotations

import contextlib
import functools
import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dlcourse import check
from dlcourse.check.calls import misfit
from dlcourse.check.speed import COMPUTED
from dlcourse.grading import messages
from dlcourse.grading.cores import Core
from dlcourse.grading.hollow import ALL, Allowed, Reader, package
from dlcourse.grading.learner import Ended, Learner
from dlcourse.grading.limits import Limits
from dlcourse.grading.marks import Mark, Marks
from dlcourse.grading.patience import Patience
from dlcourse.grading.plan import Step
from dlcourse.grading.sandbox import Sandbox
from dlcourse.grading.stand import Named


class Judge:
    """Marks submissions of one assignment.

    Parameters
    ----------
    names : sequence of str
        What the learner's cells are to define.
    sandbox : Sandbox
        Where their code runs.
    cache : Path
        A folder for copies of the package.
    """

    def __init__(
        self,
        names: Sequence[str],
        sandbox: Sandbox,
        cache: Path,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._names, self._sandbox, self._cache = names, sandbox, cache
        self._limits, self._patience = limits or Limits(), patience or Patience()
        self._workers: dict[Allowed, Learner] = {}
        self._core = Core(cache)
        self._gone = 0.0  # seconds that workers which were ended had computed
        self._overhead = 0.0  # seconds that it took to look at clocks
        self._begin()

    def _begin(self) -> None:
        self._cells: list[Step] = []
        self._done: dict[Allowed, int] = {}
        self._fatal: set[int] = set()
        self._allowed = ALL
        self._marks = Marks()
        self._since = time.monotonic()
        self._tuples: dict[str, type] = {}

    def mark(self, steps: Sequence[Step], until_lost: bool = False) -> Marks:
        """Go through a notebook; return what its tests gave.

        Workers that are still alive are used again, with an empty notebook. With `until_lost` no
        test is run after the first that fails.
        """
        with self._core.held():
            return self._mark(steps, until_lost)

    def _mark(self, steps: Sequence[Step], until_lost: bool) -> Marks:
        self._begin()
        tests = Reader()
        names: dict[str, Any] = {name: Named(name, self._call) for name in self._names}
        names["__name__"] = "__main__"
        for step in steps:
            if step.kind != "test":
                self._cells.append(step)
            if step.kind == "setup":
                tests.add(step.source)
                with _silent():
                    exec(compile(step.source, "<setup>", "exec"), names)
                for value in names.values():
                    if isinstance(value, type) and issubclass(value, tuple):
                        self._tuples[value.__name__] = value
            elif step.kind == "test":
                self._marks.tests.append(self._test(step, tests.add(step.source), names))
                if until_lost and self._marks.tests[-1].message:
                    break
        self._marks.computed = self._computed()
        return self._marks

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
        self._core.close()

    def _test(self, step: Step, allowed: list[Allowed], names: dict[str, Any]) -> Mark:
        begin = time.perf_counter()
        message = ""
        try:
            # Outside of own_work, the loosest of what the cell allows somewhere.
            if time.monotonic() - self._since > self._patience.whole:
                raise Ended("the tests before this one took all the time that there is")
            self._allowed = allowed[-1]
            self._worker()
            for worker in self._workers.values():
                worker.begin_time()
                worker.crossing.forget_objects()
                worker.returned = None
            with _silent(), self._checks():
                exec(compile(step.source, f"<{step.name}>", "exec"), names)
        except Exception as error:
            message = _told(misfit(error, self._returned()))
        points = 0.0 if message else step.points
        seconds = round(time.perf_counter() - begin, 3)
        return Mark(step.name, points, step.points, message, seconds)

    def _returned(self) -> tuple[str, str] | None:
        """Return the name of what returned last, and what that was."""
        answers = [worker.returned for worker in self._workers.values() if worker.returned]
        return max(answers)[1:] if answers else None

    # -- workers -------------------------------------------------------------------------

    def _worker(self) -> Learner:
        """Return the worker for what is allowed now, with all cells so far run in it."""
        allowed = self._allowed
        worker = self._workers.get(allowed)
        while worker is None or not worker.alive or self._done.get(allowed, 0) < len(self._cells):
            if worker is None or not worker.alive:
                if worker is not None:
                    self._gone += worker.computed()
                    worker.close()
                folder = package(allowed, self._cache)
                worker = self._workers[allowed] = Learner(
                    self._sandbox, folder, allowed, self._tuples, self._limits, self._patience
                )
                self._done[allowed] = 0
            elif allowed not in self._done:
                worker.begin_notebook(self._tuples)
                self._done[allowed] = 0
            self._run_cell(worker, allowed)
        return worker

    def _run_cell(self, worker: Learner, allowed: Allowed) -> None:
        number = self._done[allowed]
        if number == len(self._cells):
            return
        step = self._cells[number]
        self._done[allowed] = number + 1
        if number in self._fatal:
            return
        worker.begin_time()
        try:
            worker.ask("cell", None, step.name, step.source)
        except Ended as error:
            self._fatal.add(number)
            self._marks.cells.setdefault(step.name, f"The cell was left out: {error}.")
        except Exception as error:
            self._marks.cells.setdefault(step.name, str(error)[: messages.LONGEST])

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call what a cell of the learner's defined."""
        worker = self._workers[self._allowed]
        return worker.ask("call", None, name, args, kwargs)

    def _computed(self) -> float:
        return self._gone + sum(worker.computed() for worker in self._workers.values())

    # -- checks --------------------------------------------------------------------------

    @contextlib.contextmanager
    def _checks(self) -> Iterator[None]:
        """Replace the two checks that watch the process they run in."""
        before = check.own_work, check.faster
        check.own_work = self._own_work
        check.faster = functools.partial(check.faster, clock=self._clock)
        try:
            yield
        finally:
            check.own_work, check.faster = before

    @contextlib.contextmanager
    def _own_work(
        self, allowed: tuple[str, ...] = (), but_not: tuple[str, ...] = ()
    ) -> Iterator[None]:
        """Let the code be called in a worker that has nothing but what is allowed."""
        before, self._allowed = self._allowed, Allowed(tuple(allowed), tuple(but_not))
        try:
            self._worker()
            yield
        finally:
            self._allowed = before

    def _clock(self) -> float:
        """Return the seconds that this thread and the learner's code have computed.

        What it costs to bring a call over and its answer back does not count. It is measured on
        this side; on the other it is taken to be the same.
        """
        workers = self._workers.values()
        start = COMPUTED()
        computed = self._computed()
        self._overhead += COMPUTED() - start
        crossing = sum(worker.seconds for worker in workers)
        return COMPUTED() - self._overhead + computed - 2 * crossing


def _told(error: Exception) -> str:
    """Return what a test says to the learner, in one line or a few."""
    if isinstance(error, Ended):
        return f"Your code was ended: {error}."[: messages.LONGEST]
    return messages.of_test(error)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
