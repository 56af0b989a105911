"""Note what the tests of the assignments say first to each recorded mistake.

    python tools/mistakes.py [ps1-deeper ...]

writes book/teaching/mistakes.json, which the page "What goes wrong" shows. The mistakes are those
of tests/exercises/psN_wrong.py. Run it when one of them, a task, a test or a message of
`dlcourse.check` has changed; tests/book/test_teaching.py says when the file does not fit any more.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "exercises"))
sys.path.insert(0, str(ROOT / "tests" / "support"))

from dlcourse import files  # noqa: E402

TOLD = ROOT / "book" / "teaching" / "mistakes.json"


def said(message: str) -> str:
    """Return what a learner reads of a failed test: no name of a test, and no kind of our own.

    Examples
    --------
    >>> said("adam-visible: CheckFailed: p.data moved uphill.")
    'p.data moved uphill.'
    >>> said("adam-visible: KeyError: 'm'")
    "KeyError: 'm'"
    """
    _, message = message.split(": ", 1)
    return message.removeprefix("CheckFailed: ").strip()


def told(proof: Any) -> dict[str, list[tuple[str, str]]]:
    """Return the mistakes of an assignment and the first message to each, by task."""
    found: dict[str, list[tuple[str, str]]] = {task: [] for task in proof.tasks}
    for task, mistake, changes, _ in proof.mistakes:
        answer = proof.mistaken(task, changes)
        _, messages = proof.assignment.mark(task, answer, until_lost=True)
        if not messages:
            raise SystemExit(f"{task}: {mistake}: no test notices; see tests/exercises")
        found[task].append((mistake, said(messages[0])))
    return found


def main(names: list[str]) -> None:
    """Bring the named assignments, or all, up to date."""
    from marking import Proof

    os.environ["DLCOURSE_KERNELS"] = "off"  # as graded jobs run
    every = sorted(path.stem for path in (ROOT / "exercises" / "text").glob("ps*.py"))
    record = json.loads(TOLD.read_text(encoding="utf-8")) if TOLD.exists() else {}
    for name in names or every:
        record[name] = told(Proof(name))
        print(f"{name}: {sum(map(len, record[name].values()))} mistakes", flush=True)
        with files.atomic_write(TOLD) as file:
            ordered = {key: record[key] for key in every if key in record}
            file.write((json.dumps(ordered, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
