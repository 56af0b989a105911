"""The marks as Moodle and Canvas import them, with a column for each task.

Only who has a mark has a row, so that nothing which stands there is overwritten by nothing. What
these platforms know people by comes from the roster, in nbgrader's columns: `id`, `first_name`,
`last_name`, `email`, and `lms_user_id`, which is Canvas's own number. nbgrader's CSV is written by
``nbgrader export``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlcourse.files import atomic_write
from dlcourse.grading import inert, outline, settings
from dlcourse.grading.outline import Outline
from dlcourse.grading.table import Row

People = Mapping[str, Mapping[str, str]]


def write(course: Path, assignment: str, rows: Sequence[Row]) -> list[Path]:
    """Write ``grades/ASSIGNMENT.moodle.csv`` and ``grades/ASSIGNMENT.canvas.csv``.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    rows : sequence of Row
        What became of everyone's work.

    Returns
    -------
    list of Path
        The files.
    """
    of = outline.read(course, assignment)
    people = settings.read(course).roster
    paths = [course / "grades" / f"{assignment}.{name}.csv" for name in ("moodle", "canvas")]
    moodle(paths[0], assignment, of, rows, people)
    canvas(paths[1], assignment, of, rows, people)
    return paths


def moodle(
    path: Path, assignment: str, of: Outline, rows: Sequence[Row], people: People | None = None
) -> None:
    """Write what Moodle takes under *Grades, Import, CSV file*.

    There, map "ID number" or "Email address" to the user, and each column of marks to a new grade
    item or to one that there is. Moodle refuses the whole file if it does not know someone in it.

    Parameters
    ----------
    path : Path
        The file.
    assignment : str
        The assignment, for the names of columns.
    of : Outline
        Its tasks.
    rows : sequence of Row
        What became of everyone's work.
    people : mapping, optional
        The columns of the roster, by student.
    """
    known = ("id", "first_name", "last_name", "email")
    lines: list[list[object]] = [
        ["ID number", "First name", "Last name", "Email address", *_columns(assignment, of)]
    ]
    for row, person in _graded(rows, people):
        lines.append([*(person.get(name, "") for name in known), *_marks(row, of)])
    _write(path, lines)


def canvas(
    path: Path, assignment: str, of: Outline, rows: Sequence[Row], people: People | None = None
) -> None:
    """Write what Canvas takes under *Grades, Import*; see `moodle` for the parameters.

    A column whose name Canvas does not know becomes an assignment, if one agrees there.
    """
    most = [task.of for task in of.tasks]
    lines: list[list[object]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *_columns(assignment, of)],
        ["    Points Possible", "", "", "", "", sum(most), *most],
    ]
    for row, person in _graded(rows, people):
        names = [person.get(name, "") for name in ("last_name", "first_name")]
        name = ", ".join(filter(None, names)) or row.student
        login, number = person["id"], person.get("lms_user_id", "")
        lines.append([name, number, "", login, person.get("section", ""), *_marks(row, of)])
    _write(path, lines)


def _columns(assignment: str, of: Outline) -> list[str]:
    return [assignment, *(f"{assignment} {task.name}" for task in of.tasks)]


def _graded(rows: Sequence[Row], people: People | None) -> list[tuple[Row, Mapping[str, str]]]:
    return [
        (row, {**(people or {}).get(row.student, {}), "id": row.student})
        for row in rows
        if row.score is not None
    ]


def _marks(row: Row, of: Outline) -> list[float | None]:
    return [row.score, *(row.tasks.get(task.name) for task in of.tasks)]


def _write(path: Path, lines: Iterable[Iterable[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(inert.cell, line) for line in lines)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())
