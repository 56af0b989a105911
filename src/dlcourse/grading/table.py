"""The marks of a class as a table: one row for everyone, and what the rows ask a teacher to do."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, field
from pathlib import Path

from dlcourse.files import atomic_write, one_line
from dlcourse.grading.inert import cell

_BEFORE = ("student", "status", "score", "max_score", "open", "handed in", "late")
_AFTER = ("remarks", "sandbox")


@dataclass
class Row:
    """What became of one student's work on one assignment."""

    student: str
    status: str  #: "graded", "needs a look", "not graded" or "nothing handed in"
    score: float | None = None
    max_score: float | None = None
    open: float = 0.0  #: points that a person must still give
    handed_in: dt.datetime | None = None
    late: dt.timedelta | None = None  #: None if it is in time or if there is no due date
    tasks: dict[str, float] = field(default_factory=dict)  #: points by task
    remarks: list[str] = field(default_factory=list)
    sandbox: str = ""
    key: str = ""  #: of its result


def write(path: Path, rows: list[Row]) -> None:
    """Write the table as CSV, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    rows : list of Row
        In this order.
    """
    # In the order of the assignment, which every graded row has.
    tasks = list(dict.fromkeys(task for row in rows for task in row.tasks))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_BEFORE, *tasks, *_AFTER])
    for row in rows:
        writer.writerow(
            [
                cell(one_line(row.student)),
                row.status,
                _number(row.score),
                _number(row.max_score),
                "" if row.score is None else _number(row.open),
                "" if row.handed_in is None else row.handed_in.isoformat(" ", "seconds"),
                "" if row.late is None else hours(row.late),
                *(_number(row.tasks.get(task)) for task in tasks),
                cell(one_line("; ".join(row.remarks))),
                row.sandbox,
            ]
        )
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def hours(late: dt.timedelta) -> str:
    """Return a time as hours and begun minutes.

    Examples
    --------
    >>> hours(dt.timedelta(days=1, hours=2, seconds=61))
    '26:02'
    """
    minutes = -(-late // dt.timedelta(minutes=1))
    return f"{minutes // 60}:{minutes % 60:02d}"


def summary(rows: list[Row]) -> str:
    """Return what there is to do: a paragraph for each kind of work, a line for each remark.

    Examples
    --------
    >>> print(summary([Row("ann", "graded", 92.0, 100.0, open=8.0), Row("bob", "not graded",
    ...     remarks=["it is not a notebook; ask for it again"])]))
    2 students: 1 graded, 1 not graded
    <BLANKLINE>
    to be marked by a person, 8 points: 1
      ann
    <BLANKLINE>
    not graded: 1
      it is not a notebook; ask for it again: bob
    """
    states: dict[str, list[Row]] = {
        state: [row for row in rows if row.status == state]
        for state in ("graded", "needs a look", "not graded", "nothing handed in")
    }
    counts = [f"{len(found)} {state}" for state, found in states.items() if found]
    parts = [f"{len(rows)} students: {', '.join(counts)}"]
    if waiting := [row for row in rows if row.open]:
        points = sum(row.open for row in waiting)
        parts.append(_names(f"to be marked by a person, {points:g} points", waiting))
    for state in ("needs a look", "not graded"):
        if found := states[state]:
            parts.append("\n  ".join([f"{state}: {len(found)}", *_by_remark(found)]))
    if late := [row for row in rows if row.late is not None]:
        parts.append(_names("late", late))
    if nothing := states["nothing handed in"]:
        parts.append(_names("nothing handed in", nothing))
    return "\n\n".join(parts)


def _by_remark(rows: list[Row]) -> list[str]:
    """Return a line for each remark, what many have first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for remark in row.remarks:
            found.setdefault(one_line(remark), []).append(row)
    several = sorted(found.items(), key=lambda item: -len(item[1]))
    return [f"{remark}: {_some(whose)}" for remark, whose in several]


def _names(title: str, rows: list[Row]) -> str:
    return f"{title}: {len(rows)}\n  {_some(rows)}"


def _some(rows: list[Row], most: int = 20) -> str:
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return ", ".join(one_line(row.student) for row in rows[:most]) + more


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
