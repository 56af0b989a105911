"""A notebook in one process: the cells and the tests share their names, as in Jupyter.

``python -m dlcourse.grading.alone STEPS.json RESULTS`` does that in a fresh process. A line is
added to the results, as JSON, when a step begins and when it ends; each byte on standard input asks
where it is now. What starts this watches it, see `dlcourse.grading.rehearsal`. It is the learner's
own code: nothing is kept from it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from dlcourse.check.failure import CheckFailed
from dlcourse.grading import messages, shell
from dlcourse.grading.marks import Mark, Marks
from dlcourse.grading.plan import Step


def run(source: str, names: dict[str, Any], title: str = messages.CELL) -> None:
    """Run a cell, and throw away what it prints."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(source, title, "exec"), names)


def take(step: Step, names: dict[str, Any]) -> str:
    """Run a step; return what went wrong, "" if nothing did.

    Examples
    --------
    >>> take(Step("theirs", "half", "half = lambda x: x // 0"), names := {})
    ''
    >>> take(Step("test", "half-visible", "assert half(3) == 1", 2), names)
    'ZeroDivisionError: integer division or modulo by zero (in <lambda>, line 1 of its cell)'
    """
    is_test = step.kind == "test"
    try:
        run(step.source, names, f"<{step.name}>" if is_test else messages.CELL)
    except CheckFailed as error:
        return messages.of_test(error)
    except BaseException as error:  # also an exit
        if not is_test:
            return messages.of_cell(error) + ("" if step.name else _beginning(step.source))
        unwritten = isinstance(error, NotImplementedError)
        return messages.of_test(error) + ("" if unwritten else messages.where(error))
    return ""


def mark(steps: Iterable[Step], names: dict[str, Any]) -> Marks:
    """Go through a notebook in this process; return what its tests gave.

    Parameters
    ----------
    steps : iterable of Step
        What `dlcourse.grading.plan.lay` gives.
    names : dict
        The names that there are before the first.
    """
    marks = Marks()
    for step in steps:
        begin = time.perf_counter()
        message = take(step, names)
        enter(marks, step, message, round(time.perf_counter() - begin, 3))
    return marks


def enter(marks: Marks, step: Step, message: str, seconds: float) -> None:
    """Enter what became of a step."""
    if step.kind == "test":
        points = 0.0 if message else step.points
        marks.tests.append(Mark(step.name, points, step.points, message, seconds))
    elif message:
        marks.cells.setdefault(step.name, message)


def _beginning(source: str) -> str:
    """Say which cell it is; `pass` may stand for what was taken out of it."""
    lines = filter(None, map(str.strip, source.split("\n")))
    return f"; it begins with `{next((line for line in lines if line != 'pass'), '')[:60]}`"


def main(steps: str, results: str) -> None:
    """Run the steps of a file in this process, and write what becomes of each to another."""
    inlet, thread = os.dup(0), threading.get_ident()
    sys.stdin = io.StringIO()  # nobody answers
    sys.path.insert(0, os.getcwd())  # as in Jupyter
    warnings.simplefilter("ignore")
    names = shell.begin()
    with Path(results).open("w", encoding="utf-8", buffering=1) as file:
        threading.Thread(target=_attend, args=(inlet, file, thread), daemon=True).start()
        for number, step in json.loads(Path(steps).read_text(encoding="utf-8")):
            print(json.dumps([number, None]), file=file)
            print(json.dumps([number, take(Step(**step), names)]), file=file)


def _attend(inlet: int, results: TextIO, thread: int) -> None:
    """Tell where a thread is whenever asked; end this process when nobody is left to ask."""
    while os.read(inlet, 1):
        stack = traceback.extract_stack(sys._current_frames().get(thread))
        print(json.dumps([None, messages.place(stack)]), file=results)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
