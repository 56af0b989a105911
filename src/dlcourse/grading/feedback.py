"""A page for every learner: the marks, what each failed test said, and what a person wrote.

Hidden tests are not on it, and nothing of what the learner wrote runs in a browser. Those who were
not graded get a page as well, which says why and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dlcourse.files import FileError, read_json
from dlcourse.grading import autograded, outline, pages
from dlcourse.grading.gradebook import Book, Given
from dlcourse.grading.inert import to_html
from dlcourse.grading.jobs import merge
from dlcourse.grading.table import Row, hours


@dataclass(frozen=True)
class Part:
    """A test, or a question that a person marks, and what became of it."""

    name: str
    kind: str
    of: float
    points: float
    by_hand: bool  #: whether a person gave the points
    open: bool  #: whether a person still has to
    message: str  #: of the test
    answer: Markup | None  #: to the question


@dataclass(frozen=True)
class Task:
    """A task, and what there is to say about the answer."""

    title: str
    points: float
    of: float
    parts: list[Part]
    failed: str  #: why the learner's cell stopped
    comments: list[Markup]


def write(course: Path, assignment: str) -> list[Path]:
    """Write ``feedback/STUDENT/ASSIGNMENT/ASSIGNMENT.html`` for everyone.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.

    Returns
    -------
    list of Path
        The pages.
    """
    rows = merge(course, assignment)
    of = outline.read(course, assignment)
    written = []
    with closing(Book(course, assignment)) as book:
        for row in rows:
            found = result(course, assignment, row)
            given = {} if row.score is None else book.given(row.student)
            words = answers(course, assignment, row.student, "markdown")
            path = course / "feedback" / row.student / assignment / f"{assignment}.html"
            pages.write(
                path,
                "feedback.html",
                title=of.title,
                assignment=assignment,
                row=row,
                late="" if row.late is None else hours(row.late),
                ended=found["ended"],
                tasks=[_task(task, found, given, words) for task in of.tasks],
            )
            written.append(path)
    return written


def result(course: Path, assignment: str, row: Row) -> dict[str, Any]:
    """Return the judge's result of a graded submission, or one with nothing in it."""
    path = course / "results" / assignment / f"{row.key}.json"
    nothing: dict[str, Any] = {"tests": [], "cells": [], "ended": None, "seconds": 0.0}
    return nothing if row.score is None else {**nothing, **_read(path)}


def answers(course: Path, assignment: str, student: str, kind: str) -> dict[str, str]:
    """Return the answers in code or Markdown as they were graded, by the name of their task."""
    found = {}
    for cell in _read(autograded.path(course, student, assignment)).get("cells", ()):
        mark = cell["metadata"].get("nbgrader")
        if cell["cell_type"] == kind and mark and mark["solution"]:
            found[mark["grade_id"]] = "".join(cell["source"])
    return found


def _read(path: Path) -> dict[str, Any]:
    """Return what is in a file of ours; nothing if it is missing or damaged: the row says so."""
    try:
        found: dict[str, Any] = read_json(path)
    except (FileError, OSError):
        return {}
    return found


def _task(
    task: outline.Task,
    found: Mapping[str, Any],
    given: Mapping[str, Given],
    words: Mapping[str, str],
) -> Task:
    said = {test["name"]: test["message"] for test in found["tests"]}
    failed = {cell["name"]: cell["message"] for cell in found["cells"]}
    parts = []
    for cell in task.cells:
        mark = given.get(cell.name, Given())
        short = mark.points < cell.of
        answer = Markup(to_html(words.get(cell.name, ""))) if cell.kind == "question" else None
        parts.append(
            Part(
                cell.name,
                cell.kind,
                cell.of,
                mark.points,
                mark.by_hand,
                mark.open,
                said.get(cell.name, "") if short else "",
                answer,
            )
        )
    names = dict.fromkeys([task.name, *(cell.name for cell in task.cells)])
    comments = [given[name].comment for name in names if name in given and given[name].comment]
    return Task(
        task.title,
        sum(part.points for part in parts),
        task.of,
        parts,
        failed.get(task.name, ""),
        [Markup(to_html(comment)) for comment in comments],
    )
