"""A result entered into the gradebook and into `autograded`, and what both say as a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dlcourse.files import atomic_write, one_line
from dlcourse.grading import autograded, gradebook, people
from dlcourse.grading.gradebook import Book, GradebookError, Marks, Record
from dlcourse.grading.table import Row
from dlcourse.grading.work import Class, Work, digest


class Ledger:
    """The books of one assignment.

    Parameters
    ----------
    group : Class
        The class.
    """

    def __init__(self, group: Class) -> None:
        self._group = group
        self._unwritten: dict[str, str] = {}
        self._book: Book | None = None
        self._records: dict[str, Record] = {}
        try:
            due = group.settings.due.get(group.assignment)
            self._book = Book(group.course, group.assignment, due)
            self._book.check(group.points)
            self._records = {name: found[-1] for name, found in self._book.records().items()}
        except GradebookError as reason:  # the jobs are worth running all the same
            self.close()
            self._book, self._no_book = None, str(reason)

    def close(self) -> None:
        """Close the gradebook."""
        if self._book is not None:
            self._book.close()

    def enter(self, works: Sequence[Work], result: Mapping[str, Any]) -> None:
        """Write a result for all who handed in the same, unless it is written already."""
        for work in works:
            try:
                self._enter(work, result)
            except (GradebookError, OSError) as reason:
                self._unwritten[work.student] = str(reason)
            except Exception as error:  # the others go on
                told = one_line(f"{type(error).__name__}: {error}")[:200]
                self._unwritten[work.student] = f"{told}; please report this with the notebook"

    def _enter(self, work: Work, result: Mapping[str, Any]) -> None:
        if self._book is None:
            raise GradebookError(self._no_book)
        assert work.plan is not None
        group, student, record = self._group, work.student, _record(work, result)
        path = autograded.path(group.course, student, group.assignment)
        before = self._records.get(student)
        if before == record and path.is_file():
            return
        # The gradebook comes last: what it knows of is complete.
        with atomic_write(path) as file:
            text = autograded.notebook(group.master, work.plan, result)
            file.write(text.encode(errors="replace"))  # half a pair of UTF-16 is no text
        when, _ = people.handed_in(group.folder(student))
        self._book.save(student, _scores(work, result), record, before, when)
        self._records[student] = record

    def row(self, work: Work) -> Row:
        """Return what became of one student's work."""
        group, student = self._group, work.student
        when, remarks = people.handed_in(group.folder(student))
        row = Row(student, "needs a look", remarks=remarks, key=work.key)
        if when is not None:
            row.handed_in = when.astimezone(group.settings.time_zone)
            row.late = self._late(when)
        roster = group.settings.roster
        if roster is not None and student not in roster:
            remarks.append("this name is not in the roster; correct one of the two")
        remarks += work.remarks
        result = group.result(work.key) if work.key else None
        entered = self._records.get(student)
        marks = None
        if result is not None:
            remarks += result["remarks"]
            if result["ended"]:
                remarks.append(f"grading ended early: {result['ended']}")
            if entered == _record(work, result):
                marks = self._marks(student)
            if marks is None:
                marks = gradebook.from_result(_scores(work, result), group.tasks, group.points)
                told = self._unwritten.get(student, "grade again")
                remarks.append(f"these marks are not in the gradebook: {told}")
            row.sandbox = result["sandbox"]
        else:
            if work.key:
                remarks.append(group.failure(work.key))
            elif work.reason:
                remarks.append(work.reason)
            if entered is not None and (marks := self._marks(student)) is not None:
                remarks.append(f"these marks are from before {_change(entered, work.record)}")
        if marks is None:
            row.status = "not graded" if work.key or work.reason else "nothing handed in"
            return row
        remarks += [
            f"the mark by hand of {name} is older than the answer; look at it, and save it again"
            for name in marks.old
        ]
        if not remarks:
            row.status = "graded"
        row.score, row.max_score, row.open = marks.score, marks.max_score, marks.open
        row.tasks = marks.tasks
        return row

    def _marks(self, student: str) -> Marks | None:
        if self._book is None:
            return None
        try:
            return self._book.marks(student, self._group.tasks)
        except GradebookError as reason:
            self._unwritten[student] = str(reason)
            return None

    def _late(self, when: dt.datetime) -> dt.timedelta | None:
        due = self._group.settings.due.get(self._group.assignment)
        return when - due if due is not None and when > due else None


def _record(work: Work, result: Mapping[str, Any]) -> Record:
    """Return what the marks are of, and which they are."""
    assert work.record is not None
    found = [[test["name"], test["points"], test["message"]] for test in result["tests"]]
    return replace(work.record, marks=digest([result["sandbox"], result["cells"], found]))


def _scores(work: Work, result: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the points of each cell by name, None where a person gives them."""
    assert work.plan is not None
    found: dict[str, float | None] = {test["name"]: test["points"] for test in result["tests"]}
    for name, text in work.plan.words.items():
        found[name] = None if text.strip() else 0.0
    return found


def _change(before: Record, now: Record | None) -> str:
    """Return what has changed since marks were given."""
    if now is None or now.submission != before.submission:
        return "the submission was changed"
    if now.assignment != before.assignment:
        return "the assignment was changed"
    if now.environment != before.environment:
        return "dlcourse, Python or NumPy was changed"
    return "it was asked for again, or its result was lost"
