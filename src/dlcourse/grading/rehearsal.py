"""A learner's notebook is run from the top, in a process of its own that has limits.

A cell or a test that hangs, or takes too much memory, is ended with its process. What comes after
it runs in another one, from the top but for that step and for the tests that are done. It is the
learner's own code on the learner's machine, so there is no sandbox.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TextIO

import psutil

from dlcourse.files import one_line
from dlcourse.grading import alone
from dlcourse.grading.limits import Limits, computed, ending, inside, memory, runnable
from dlcourse.grading.marks import Marks
from dlcourse.grading.patience import Patience, Watch
from dlcourse.grading.plan import Step

#: Seconds from one look at the process to the next.
_MOMENT = 0.05
#: Seconds to wait for the line in which it hangs.
_LONGEST_ANSWER = 10.0
#: After so many steps that had to be ended the others are not run.
_MOST_ENDED = 3
_NOT_RUN = f"It was not run, as {_MOST_ENDED} cells before it had to be ended; mend those first."
#: As when work is graded: no compiler, and BLAS with one thread. A window would wait for a click.
_ENVIRONMENT = {
    "DLCOURSE_KERNELS": "off",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def rehearse(
    steps: Sequence[Step],
    folder: Path,
    patience: Patience,
    limits: Limits | None = None,
    say: Callable[[Step], object] = lambda step: None,
) -> Marks:
    """Run a notebook from the top; return what its tests gave.

    Parameters
    ----------
    steps : sequence of Step
        What `dlcourse.grading.plan.lay` gives.
    folder : Path
        Where it runs: that of the notebook.
    patience : Patience
        How long a step may take.
    limits : Limits, optional
        Of them only the memory counts.
    say : callable
        Called with each step that is done.

    Raises
    ------
    RuntimeError
        If no process can be started here.
    """
    told: dict[int, tuple[str, float]] = {}  # what became of each step, and its seconds
    ended: list[int] = []
    waiting = list(range(len(steps)))
    while waiting and len(ended) < _MOST_ENDED:
        process = _Process([(n, steps[n]) for n in waiting], folder, patience, limits or Limits())
        # If more than one hangs, all of them together take less than twice the time of the first.
        patience = replace(patience, processor=patience.processor / 2, idle=patience.idle / 2)
        for number, message, seconds in process.run():
            if number not in told:
                told[number] = message, seconds
                say(steps[number])
        if process.at is None:
            break
        ended.append(process.at)
        told[process.at] = process.reason, 0.0
        say(steps[process.at])
        # The cells again, for what they define, and the tests that are still to come.
        done = {n for n in told if steps[n].kind == "test"}
        waiting = [n for n in range(len(steps)) if n not in done and n not in ended]
    marks = Marks()
    for number, step in enumerate(steps):
        alone.enter(marks, step, *told.get(number, (_NOT_RUN, 0.0)))
    return marks


class _Process:
    """A process that runs steps, watched.

    Attributes
    ----------
    at : int or None
        The step at which it was ended, None if it came to its end.
    reason : str
        Why.
    """

    def __init__(
        self, steps: list[tuple[int, Step]], folder: Path, patience: Patience, limits: Limits
    ) -> None:
        self._steps, self._folder = steps, folder
        self._patience, self._memory = patience, limits.memory
        self.at: int | None = None
        self.reason = ""

    def run(self) -> Iterator[tuple[int, str, float]]:
        """Yield the number of each step that has ended, what became of it, and its seconds."""
        with tempfile.TemporaryDirectory(prefix="dlcourse-check-") as name:
            steps, results, log = (Path(name, part) for part in ("steps.json", "results", "log"))
            steps.write_text(json.dumps([(n, asdict(step)) for n, step in self._steps]))
            results.touch()
            with log.open("wb") as said:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", alone.__name__, str(steps), str(results)],
                    cwd=self._folder,
                    env={**os.environ, **_ENVIRONMENT},
                    stdin=subprocess.PIPE,  # it ends when we are gone
                    stdout=said,
                    stderr=said,
                )
            try:
                yield from self._results(process, results)
            finally:
                _end(process)
            if not results.stat().st_size:
                last = log.read_bytes()[-1000:].decode(errors="replace")
                raise RuntimeError(
                    f"the process that is to run the notebook did not begin ({one_line(last)}); "
                    "look at what `dlcourse doctor` says"
                )

    def _results(
        self, process: subprocess.Popen[bytes], results: Path
    ) -> Iterator[tuple[int, str, float]]:
        def processes() -> list[int]:
            return inside(process.pid)

        watch = Watch(self._patience, lambda: computed(processes()), lambda: runnable(processes()))
        since, rest = 0.0, ""
        with results.open(encoding="utf-8") as file:
            while True:
                over = process.poll() is not None
                *lines, rest = (rest + file.read()).split("\n")
                for number, message in map(json.loads, lines):
                    if message is None:
                        self.at, since = number, time.perf_counter()
                        watch.begin()
                    else:
                        self.at = None
                        yield number, message, round(time.perf_counter() - since, 3)
                reason = ending(process.returncode) if over else watch.look()
                if not reason and memory(processes(), self._memory) > self._memory:
                    reason = f"it took more than {self._memory >> 20:,} MiB of memory"
                if self.at is not None and reason:
                    where = "" if over else _where(process, file)
                    self.reason = f"It was ended{where}: {reason}."
                if over or self.reason:
                    return
                time.sleep(_MOMENT)


def _where(process: subprocess.Popen[bytes], results: TextIO) -> str:
    """Ask a process in which line it is; code in C may keep it from answering."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(b"?")
        process.stdin.flush()
    text, end = "", time.monotonic() + _LONGEST_ANSWER
    while time.monotonic() < end:
        text += results.read()
        for number, answer in map(json.loads, text.split("\n")[:-1]):
            if number is None:
                return str(answer)
        time.sleep(_MOMENT)
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started."""
    for pid in reversed(inside(process.pid)):
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()
