"""What changed in the marks since the last run, and why.

``grades/ASSIGNMENT.before.json`` keeps the marks of the newest run and of the one before it, so
that a report says the same however often it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlcourse.files import FileError, read_json, write_json
from dlcourse.grading.gradebook import Record
from dlcourse.grading.table import Row

_FORMAT = "dlcourse marks of two runs 1"


@dataclass(frozen=True)
class Change:
    """One student's marks in the run before and in this one."""

    student: str
    before: float | None
    now: float | None
    tasks: dict[str, tuple[float, float]]  #: points of those that changed
    why: list[str]


def since(
    course: Path, assignment: str, rows: Sequence[Row], records: Mapping[str, Sequence[Record]]
) -> list[Change]:
    """Remember the marks of this run, and return how they differ from those of the run before.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    rows : sequence of Row
        What became of everyone's work.
    records : mapping
        What has been graded, by student, the newest last.
    """
    path = course / "grades" / f"{assignment}.before.json"
    kept: dict[str, Any] = {"format": _FORMAT, "before": {}, "now": {}}
    try:
        found = read_json(path)
        kept = found if found.get("format") == _FORMAT else kept
    except (FileError, OSError):
        pass  # then this is the first run that is known
    now = {row.student: _state(row, records.get(row.student, ())) for row in rows}
    if now != kept["now"]:
        kept = {"format": _FORMAT, "before": kept["now"], "now": now}
        write_json(path, kept)
    before = kept["before"]
    return [
        _change(student, before[student], state)
        for student, state in now.items()
        if student in before and _marks(state) != _marks(before[student])
    ]


def _state(row: Row, records: Sequence[Record]) -> dict[str, Any]:
    record = {}
    if records:
        known = asdict(records[-1])
        record = {
            name: known[name] for name in ("submission", "assignment", "environment", "round")
        }
    return {
        "status": row.status,
        "score": row.score,
        "tasks": row.tasks,
        "remarks": row.remarks if row.score is None else [],
        "record": record,
    }


def _marks(state: Mapping[str, Any]) -> tuple[Any, ...]:
    return state["score"], state["tasks"]


def _change(student: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Change:
    tasks = {
        task: (before["tasks"].get(task, 0.0), points)
        for task, points in now["tasks"].items()
        if before["tasks"].get(task, 0.0) != points
    }
    return Change(student, before["score"], now["score"], tasks, _why(before, now))


def _why(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the reasons, in words."""
    if now["score"] is None:
        return [f"{now['status']} now", *now["remarks"]]
    if before["score"] is None:
        return [f"{before['status']} before"]
    old, new = before["record"], now["record"]
    if not old or not new:
        return ["it is not known what was graded before"]
    why = []
    if old["submission"] != new["submission"]:
        why.append("another submission")
    if old["assignment"] != new["assignment"]:
        why.append("the assignment changed")
    for name, version in new["environment"].items():
        if old["environment"].get(name) != version:
            told = "the package changed" if name == "package" else f"{name} is {version} now"
            why.append(told)
    if old["round"] != new["round"]:
        why.append("graded again")
    return why or ["marks by hand"]
