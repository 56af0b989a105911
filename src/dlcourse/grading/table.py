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
    """Return what there is to do, one paragraph for each kind of work, on one screen if it can be.

    Examples
    --------
    >>> print(summary([Row("ann", "graded", 92.0, 100.0, open=8.0), Row("bob", "not graded",
    ...     remarks=["ps1.ipynb is not a notebook; ask for it again"])]))
    2 students: 1 graded, 1 not graded
    <BLANKLINE>
    to be marked by a person, 8 points: 1
      ann
    <BLANKLINE>
    not graded: 1
      bob: ps1.ipynb is not a notebook; ask for it again
    """
    states = ("graded", "needs a look", "not graded", "nothing handed in")
    counts = {state: sum(row.status == state for row in rows) for state in states}
    parts = [
        f"{len(rows)} students: "
        + ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    ]
    if waiting := [row for row in rows if row.open]:
        points = sum(row.open for row in waiting)
        parts.append(_names(f"to be marked by a person, {points:g} points", waiting))
    for state in ("needs a look", "not graded"):
        if found := [row for row in rows if row.status == state]:
            lines = [one_line(f"{row.student}: {'; '.join(row.remarks)}") for row in found]
            parts.append("\n  ".join([f"{state}: {len(found)}", *lines]))
    if late := [row for row in rows if row.late is not None]:
        parts.append(_names("late", late))
    if nothing := [row for row in rows if row.status == "nothing handed in"]:
        parts.append(_names("nothing handed in", nothing))
    return "\n\n".join(parts)


def _names(title: str, rows: list[Row], most: int = 20) -> str:
    names = ", ".join(one_line(row.student) for row in rows[:most])
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return f"{title}: {len(rows)}\n  {names}{more}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
