"""One submission: ``python -m dlcourse.grading.job SPEC.json RESULT.json``.

The spec has the steps of the notebook, the names that the learner's cells are to define, and what
they may take; the result has what each test gave. See `dlcourse.grading.work`.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dlcourse.files import atomic_write, user_cache
from dlcourse.grading.judge import Judge
from dlcourse.grading.limits import Limits
from dlcourse.grading.patience import Patience
from dlcourse.grading.plan import Step
from dlcourse.grading.sandbox import choose

#: Bytes that the judge itself may take: what arrives from a worker is data, but there may be much.
_MEMORY = 8 * 2**30


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Mark a submission.

    Parameters
    ----------
    spec : dict
        As JSON: ``steps``, ``names``, ``seconds`` of processor time that a test
        may take, ``minutes`` for the whole,
        ``sandbox`` ("auto" or "none"), ``key`` and ``assignment``.

    Returns
    -------
    dict
        As JSON: ``tests``, ``cells`` that failed, ``seconds``, ``computed``, ``sandbox``.
    """
    begin = time.monotonic()
    sandbox = choose(without=spec["sandbox"] == "none")
    # The job is ended by force when its minutes are over, and has no result then.
    seconds = float(spec["seconds"])
    patience = Patience(seconds, 8 * seconds + 20, min(20.0, seconds), 50.0 * spec["minutes"])
    judge = Judge(spec["names"], sandbox, cache(), Limits(), patience)
    with closing(judge):
        marks = judge.mark([Step(**step) for step in spec["steps"]])
    return {
        "format": "dlcourse marks 1",
        "key": spec["key"],
        "assignment": spec["assignment"],
        "sandbox": sandbox.name,
        "tests": [asdict(test) for test in marks.tests],
        "cells": [{"name": name, "message": told} for name, told in marks.cells.items()],
        "remarks": [],
        "ended": None,
        "seconds": round(time.monotonic() - begin, 2),
        "computed": round(marks.computed, 2),
    }


def cache() -> Path:
    """Return the folder with copies of the package for workers; see `dlcourse.grading.hollow`."""
    return user_cache() / "hollow"


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main(spec: str, result: str) -> None:
    """Read a spec, and write the result."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    found = run(json.loads(Path(spec).read_text(encoding="utf-8")))
    with atomic_write(Path(result)) as file:
        file.write(json.dumps(found).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
