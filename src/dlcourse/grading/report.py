"""The teacher's view of a run: one page that says what there is to do, and what was found.

It is written offline, without scripts, to ``grades/ASSIGNMENT.html``.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcourse.grading import changes, outline, pages, similar
from dlcourse.grading.feedback import answers, result
from dlcourse.grading.gradebook import Book, GradebookError, Record
from dlcourse.grading.jobs import merge
from dlcourse.grading.outline import Outline, Task
from dlcourse.grading.table import Row, hours

_SLOWEST = 10
_MESSAGES = 25
_MOST_GROUPS = 50
_LONGEST_MESSAGE = 300
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Group:
    """Learners for whom there is the same thing to do."""

    what: str
    students: list[str]


@dataclass(frozen=True)
class TaskLine:
    """How the class did on a task."""

    task: Task
    mean: float
    full: int
    part: int
    none: int


@dataclass
class Message:
    """What tests said to several learners, numbers aside."""

    task: str
    text: str
    students: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Bar:
    """How many learners lie in a tenth of the scale."""

    label: str
    count: int


def write(course: Path, assignment: str, rows: Sequence[Row] | None = None) -> Path:
    """Write the report, and return its path.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    rows : sequence of Row, optional
        What became of everyone's work; looked up if it is not given.
    """
    rows = merge(course, assignment) if rows is None else rows
    of = outline.read(course, assignment)
    records: dict[str, list[Record]] = {}
    with suppress(GradebookError), closing(Book(course, assignment)) as book:
        records = book.records()  # without a gradebook, rows say so
    graded = [row for row in rows if row.score is not None]
    results = {row.student: result(course, assignment, row) for row in graded}
    code = {row.student: answers(course, assignment, row.student, "code") for row in graded}
    path = course / "grades" / f"{assignment}.html"
    pages.write(
        path,
        "report.html",
        title=of.title,
        assignment=assignment,
        written=dt.datetime.now(dt.UTC),
        rows=rows,
        ids={row.student: f"learner{number}" for number, row in enumerate(rows, 1)},
        graded=graded,
        statuses=Counter(row.status for row in rows),
        sandboxes=Counter(row.sandbox for row in graded),
        to_do=_to_do(rows),
        late={row.student: hours(row.late) for row in rows if row.late is not None},
        nothing=[row.student for row in rows if row.status == "nothing handed in"],
        bars=_bars(graded),
        quartiles=_quartiles([row.score or 0.0 for row in graded]),
        tasks=_task_lines(graded, of.tasks),
        messages=_messages(results, of.tasks)[:_MESSAGES],
        alike=similar.find(code, _background(course, assignment, of))[:_MOST_GROUPS],
        alike_most=_MOST_GROUPS,
        slowest=sorted(
            ((found["seconds"], student) for student, found in results.items()), reverse=True
        )[:_SLOWEST],
        changes=changes.since(course, assignment, rows, records),
        titles={task.name: task.title for task in of.tasks},
        hours=hours,
        address=pages.address,
    )
    return path


def _to_do(rows: Iterable[Row]) -> list[Group]:
    """Return what needs a person, by what there is to do; the same remark is one group."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row.status in ("needs a look", "not graded"):
            for remark in row.remarks:
                groups.setdefault(f"{row.status.capitalize()}: {remark}", []).append(row.student)
        if row.open:
            what = f"To be marked by hand, {row.open:g} points each, in nbgrader's formgrader"
            groups.setdefault(what, []).append(row.student)
    found = [Group(what, students) for what, students in groups.items()]
    order = ("Not graded", "Needs a look", "To be marked")
    return sorted(found, key=lambda g: ([g.what.startswith(o) for o in order].index(True), g.what))


def _bars(graded: Sequence[Row]) -> list[Bar]:
    """Return how many learners there are in each tenth of the points."""
    tenths = Counter(
        min(int(10 * (row.score or 0.0) / row.max_score), 9) for row in graded if row.max_score
    )
    return [
        Bar(f"{10 * i} to {10 * i + 10}{'' if i == 9 else ' (not included)'} %", tenths[i])
        for i in range(10)
    ]


def _quartiles(scores: Sequence[float]) -> dict[str, float]:
    """Return mean, smallest, quartiles and largest of the scores."""
    if not scores:
        return {}
    twice = [*scores, scores[0]] if len(scores) == 1 else scores
    low, middle, high = statistics.quantiles(twice, method="inclusive")
    return {
        "mean": statistics.fmean(scores),
        "lowest": min(scores),
        "lower quartile": low,
        "median": middle,
        "upper quartile": high,
        "highest": max(scores),
    }


def _task_lines(graded: Sequence[Row], tasks: Sequence[Task]) -> list[TaskLine]:
    lines = []
    for task in tasks:
        scores = [row.tasks.get(task.name, 0.0) for row in graded]
        full = sum(score >= task.of for score in scores)
        none = sum(score <= 0 for score in scores)
        mean = statistics.fmean(scores) if scores else 0.0
        lines.append(TaskLine(task, mean, full, len(scores) - full - none, none))
    return lines


def _messages(results: Mapping[str, Mapping[str, Any]], tasks: Sequence[Task]) -> list[Message]:
    """Return what tests and failed cells said, the most frequent first.

    Two messages that differ in numbers alone are one; the first of them is shown.
    """
    task_of = {cell.name: task.title for task in tasks for cell in task.cells}
    task_of |= {task.name: task.title for task in tasks}
    found: dict[tuple[str, str], Message] = {}
    for student, of_one in results.items():
        told = [test for test in of_one["tests"] if test["points"] < test["of"]]
        for one in [*told, *of_one["cells"]]:
            if text := one["message"].strip()[:_LONGEST_MESSAGE]:
                task = task_of.get(one["name"], one["name"])
                key = task, _NUMBER.sub("#", text)
                found.setdefault(key, Message(task, text)).students.add(student)
    return sorted(found.values(), key=lambda m: (-len(m.students), m.task, m.text))


def _background(course: Path, assignment: str, of: Outline) -> dict[str, list[str]]:
    """Return what everybody may have written: the teacher's answers, and what was released."""
    found = {name: [code] for name, code in of.solutions.items()}
    if (course / "release" / assignment / f"{assignment}.ipynb").is_file():
        for name, code in outline.read(course, assignment, "release").solutions.items():
            found.setdefault(name, []).append(code)
    return found
