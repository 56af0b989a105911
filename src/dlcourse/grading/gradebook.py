"""nbgrader's gradebook: the judge's points go in, marks by hand stay, and all of them come out.

Beside nbgrader's tables lies one of our own, which says what the marks are of. It is written in the
same transaction as the points, so it is there exactly as long as they are.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, select
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from dlcourse.files import one_line

CONFIGURATION = "nbgrader_config.py"
_GRADED = Table(
    "dlcourse_graded",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("assignment", String(128), index=True),
    Column("student", String(128)),
    Column("record", JSON),
)


class GradebookError(RuntimeError):
    """The gradebook cannot be used: the reason, and what to do."""


@dataclass(frozen=True)
class Record:
    """What was graded, as hashes, so that a change shows and can be explained."""

    key: str  #: of the result
    submission: str
    assignment: str
    environment: Mapping[str, str]
    round: int  #: how many times it had been asked for again
    words: Mapping[str, str]  #: the answers in words, by name
    marks: str = ""  #: what the judge found: it may find otherwise when a result is made anew


@dataclass(frozen=True)
class Marks:
    """What the gradebook says of one submission."""

    tasks: dict[str, float]
    max_score: float
    open: float = 0.0  #: points that a person must still give
    old: tuple[str, ...] = field(default=())  #: cells whose mark by hand is older than the answer

    @property
    def score(self) -> float:
        """All points."""
        return sum(self.tasks.values())


@dataclass(frozen=True)
class Given:
    """What was given for one cell."""

    points: float = 0.0
    by_hand: bool = False  #: whether by a person
    open: bool = False  #: whether a person must still give them
    comment: str = ""  #: in Markdown


@contextmanager
def alembic_found() -> Iterator[None]:
    """Let nbgrader find alembic, which it calls and which lies beside this Python."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def tasks(master: list[dict[str, Any]]) -> dict[str, str]:
    """From the name of each cell that earns points to the task it belongs to, in order."""
    found, task = {}, ""
    for cell in master:
        mark = cell["metadata"].get("nbgrader")
        if mark and mark["solution"]:
            task = mark["grade_id"]
        if mark and mark["grade"] and mark["points"]:
            found[mark["grade_id"]] = task or mark["grade_id"]
    return found


def points(master: list[dict[str, Any]]) -> dict[str, float]:
    """From the name of each cell that earns points to how many it can."""
    marks = [cell["metadata"].get("nbgrader") for cell in master]
    return {m["grade_id"]: float(m["points"]) for m in marks if m and m["grade"] and m["points"]}


class Book:
    """The gradebook of a course, for one assignment.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    due : datetime, optional
        Until when it may be handed in.

    Raises
    ------
    GradebookError
        If it cannot be opened, or does not know the assignment. All methods raise this, too.
    """

    def __init__(self, course: Path, assignment: str, due: dt.datetime | None = None) -> None:
        self._assignment = assignment
        directory = CourseDirectory(config=configuration(course))
        with _told("opened"), alembic_found():
            self._book = Gradebook(directory.db_url, directory.course_id)
            _GRADED.metadata.create_all(self._book.engine)
        with _told("read"):
            try:
                known = self._book.find_assignment(assignment)
            except MissingEntry:
                self.close()
                raise GradebookError(
                    f"the gradebook does not know {assignment}: "
                    f"run `nbgrader generate_assignment {assignment}` in {course}"
                ) from None
            if due is not None and known.duedate != _utc(due):
                self._book.update_or_create_assignment(assignment, duedate=_utc(due))
            notebook = self._book.find_notebook(assignment, assignment)
            # By number, since nbgrader would ask the database for each cell of each submission.
            graded = [*notebook.grade_cells, *notebook.task_cells]
            self._names = {cell.id: cell.name for cell in [*graded, *notebook.solution_cells]}
            self._points = {cell.id: cell.max_score for cell in graded}

    def check(self, points: Mapping[str, float]) -> None:
        """Raise `GradebookError` if these are not the points that cells can earn in it."""
        known = {self._names[cell]: most for cell, most in self._points.items() if most}
        if other := dict.fromkeys(sorted(name for name, _ in known.items() ^ points.items())):
            raise GradebookError(
                f"the gradebook has other tests of {self._assignment} than the teacher's notebook "
                f"({', '.join(other)}); release it again"
            )

    def close(self) -> None:
        """Close it."""
        self._book.close()

    def records(self) -> dict[str, list[Record]]:
        """Return what has been graded, by student, the newest last."""
        columns = (_GRADED.c.student, _GRADED.c.record)
        query = select(*columns).where(_GRADED.c.assignment == self._assignment)
        found: dict[str, list[Record]] = {}
        with _told("read"):
            for student, record in self._book.db.execute(query.order_by(_GRADED.c.number)):
                found.setdefault(student, []).append(Record(**record))
        return found

    def save(
        self,
        student: str,
        scores: Mapping[str, float | None],
        record: Record,
        before: Record | None,
        handed_in: dt.datetime | None,
    ) -> None:
        """Write the points of a submission, all of them or none.

        Parameters
        ----------
        student : str
            Whose.
        scores : mapping
            The points by name of cell; None where a person gives them.
        record, before : Record
            What is graded, and what was before; None if that is not known.
        handed_in : datetime or None
            When.
        """
        name = self._assignment
        with _told("written"):
            try:
                # These make, if need be, what the points are then written into. SQLAlchemy warns of
                # the order in which nbgrader does that.
                with self._book.db.no_autoflush:
                    self._book.update_or_create_student(student)
                    self._book.update_or_create_submission(name, student, timestamp=handed_in)
                notebook = self._book.find_submission_notebook(name, name, student)
                for grade in notebook.grades:
                    cell = self._names[grade.cell_id]
                    score = grade.auto_score = scores.get(cell, 0.0)
                    if grade.manual_score is None:
                        grade.needs_manual_grade = score is None
                    elif _changed(cell, record, before):
                        # nbgrader takes this back when a person saves a mark.
                        grade.needs_manual_grade = True
                for comment in notebook.comments:
                    cell = self._names[comment.cell_id]
                    empty = cell in record.words and scores.get(cell) == 0
                    comment.auto_comment = "No response." if empty else None
                if record != before:
                    values = {"assignment": name, "student": student, "record": asdict(record)}
                    self._book.db.execute(_GRADED.insert().values(**values))
                self._book.db.commit()
            except BaseException:
                self._book.db.rollback()
                raise

    def marks(self, student: str, tasks: Mapping[str, str]) -> Marks | None:
        """Return the marks of a submission, or None if there are none.

        Parameters
        ----------
        student : str
            Whose.
        tasks : mapping
            The task of each cell that earns points.
        """
        name = self._assignment
        with _told("read"):
            try:
                grades = self._book.find_submission_notebook(name, name, student).grades
            except MissingEntry:
                return None
            found = dict.fromkeys(tasks.values(), 0.0)
            for grade in grades:
                if task := tasks.get(self._names[grade.cell_id]):
                    found[task] += grade.score
            waiting = [grade for grade in grades if grade.needs_manual_grade]
            old = [self._names[g.cell_id] for g in waiting if g.manual_score is not None]
        return Marks(
            found,
            max_score=sum(self._points[grade.cell_id] for grade in grades),
            open=sum(self._points[g.cell_id] for g in waiting if g.manual_score is None),
            old=tuple(sorted(old)),
        )

    def given(self, student: str) -> dict[str, Given]:
        """Return points and comments by name of cell; nothing if there is no submission.

        Parameters
        ----------
        student : str
            Whose.
        """
        name = self._assignment
        with _told("read"):
            try:
                notebook = self._book.find_submission_notebook(name, name, student)
            except MissingEntry:
                return {}
            found = {
                grade.name: Given(
                    grade.score, grade.manual_score is not None, grade.needs_manual_grade
                )
                for grade in notebook.grades
            }
            for comment in notebook.comments:
                mark = found.get(comment.name, Given())
                found[comment.name] = replace(mark, comment=comment.comment or "")
        return found


def from_result(
    scores: Mapping[str, float | None], tasks: Mapping[str, str], of: Mapping[str, float]
) -> Marks:
    """Return the marks that a result alone gives."""
    found = dict.fromkeys(tasks.values(), 0.0)
    for cell, task in tasks.items():
        found[task] += scores.get(cell) or 0.0
    waiting = sum(of[cell] for cell, score in scores.items() if score is None)
    return Marks(found, sum(of.values()), waiting)


def _changed(cell: str, record: Record, before: Record | None) -> bool:
    """Whether a mark by hand may be older than what it is for."""
    if before is None:
        return True
    if cell in record.words:
        return record.words[cell] != before.words.get(cell)
    return record.submission != before.submission


def configuration(course: Path) -> Config:
    """Return what nbgrader is told in its configuration, which is a program."""
    try:
        config = PyFileConfigLoader(CONFIGURATION, path=str(course)).load_config()
    except ConfigFileNotFound:
        config = Config()
    except (Exception, SystemExit) as error:
        reason = one_line(f"{type(error).__name__}: {error}")[:200]
        raise GradebookError(
            f"{CONFIGURATION} cannot be used ({reason}); "
            "mend it, and grade again: nothing is computed twice"
        ) from None
    config.CourseDirectory.root = str(course.resolve())
    return config


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn whatever nbgrader and the database raise into one sentence."""
    try:
        yield
    except GradebookError:
        raise
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")[:300]
        raise GradebookError(
            f"the gradebook could not be {what} ({reason}); grade again: nothing is computed twice"
        ) from error


def _utc(when: dt.datetime) -> dt.datetime:
    """Return a time as nbgrader keeps it."""
    return when.astimezone(dt.UTC).replace(tzinfo=None)
