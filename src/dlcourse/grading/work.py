"""What everyone handed in, and which result belongs to it.

A result lies in ``results/ASSIGNMENT/KEY.json``, where KEY is a hash of all that it depends on: the
texts of the submission, the teacher's notebook, the time that a test may take, this package, Python
and NumPy, and how often it was asked for again. Times of files play no part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dlcourse.files import atomic_write, one_line, read_json, reading, write_json
from dlcourse.grading import gradebook, people, settings
from dlcourse.grading.gradebook import Record
from dlcourse.grading.inert import strange
from dlcourse.grading.master import understood
from dlcourse.grading.plan import Plan, lay
from dlcourse.grading.runner import JobError, environment
from dlcourse.grading.submission import Unreadable, read

SPEC = "dlcourse job 1"
RESULT = "dlcourse marks 1"
_PARTS = {"tests", "cells", "remarks", "ended", "sandbox"}


@dataclass
class Work:
    """What one student handed in."""

    student: str
    reason: str = ""  #: why it cannot be graded
    remarks: list[str] = field(default_factory=list)
    plan: Plan | None = None
    record: Record | None = None
    spec: str = ""  #: of the job

    @property
    def key(self) -> str:
        """The key of its result; empty if there can be none."""
        return self.record.key if self.record else ""


class Class:
    """A class and one of its assignments, as it lies on disk.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    without_sandbox : bool
        Whether jobs are run without one, and results of such jobs count.

    Attributes
    ----------
    settings : Settings
        What the teacher has set.
    master : list of dict
        The cells of the teacher's notebook.
    tasks : dict
        From the name of each cell that earns points to its task.
    points : dict
        From the name of each such cell to its points.
    students : list of str
        Everyone by name.
    results : Path
        The folder of results.

    Raises
    ------
    ValueError
        If there is no such assignment, or the settings are wrong.
    """

    def __init__(self, course: Path, assignment: str, *, without_sandbox: bool = False) -> None:
        self.course, self.assignment = course, assignment
        self.settings = settings.read(course)
        self.master = _master(course, assignment)
        self.tasks = gradebook.tasks(self.master)
        self.points = gradebook.points(self.master)
        self.students = people.students(course, self.settings.roster)
        self._spec = {
            "format": SPEC,
            "assignment": assignment,
            "names": sorted(understood(self.master).owners),
            "minutes": self.settings.job_minutes,
            "seconds": self.settings.test_seconds,
        }
        self._edition = digest([self.master, self._spec])
        self._spec["environment"] = environment()
        self._sandbox = "none" if without_sandbox else "auto"
        self.results = course / "results" / assignment
        again = self.results / "again.json"
        self._again = read_json(again) if again.exists() else {"rounds": {}, "unfinished": []}

    def folder(self, student: str) -> Path:
        """Return where a student's work lies."""
        return self.course / "submitted" / student / self.assignment

    def work(self) -> list[Work]:
        """Read what everyone handed in."""
        return [self._work(student) for student in self.students]

    def result(self, key: str) -> dict[str, Any] | None:
        """Return a result, or None if there is none that counts."""
        try:
            found: dict[str, Any] = read_json(self.results / f"{key}.json")
        except (ValueError, OSError):
            return None
        counts = self._sandbox == "none" or found.get("sandbox") != "none"
        return found if found.get("key") == key and counts else None

    def keep(self, key: str, text: str) -> dict[str, Any]:
        """Keep the result of a job, and return it; raise `JobError` if it is none."""
        try:
            found: dict[str, Any] = json.loads(text)
            if (found["format"], found["key"]) != (RESULT, key):
                raise ValueError(f"format {found['format']!r}")
            if missing := _PARTS - found.keys():
                raise ValueError(f"no {min(missing)}")
        except (ValueError, KeyError, TypeError) as error:
            raise JobError(
                f"the job gave no result that can be read ({error}); grade again, and report this"
            ) from None
        with atomic_write(self.results / f"{key}.json") as file:
            file.write(text.encode())
        self._failure(key).unlink(missing_ok=True)
        return found

    def fail(self, key: str, reason: JobError) -> None:
        """Remember why there is no result."""
        with atomic_write(self._failure(key)) as file:
            file.write(str(reason).encode(errors="replace"))

    def failure(self, key: str) -> str:
        """Return why there is no result; what the job said is for the teacher alone."""
        path = self._failure(key)
        if not path.is_file():
            return "it is not graded yet; grade again"
        reason, _, said = path.read_text(encoding="utf-8", errors="replace").partition("\n")
        where = f"; what it said is in {path.relative_to(self.course)}" if said.strip() else ""
        return reason + where

    def _failure(self, key: str) -> Path:
        return self.results / f"{key}.failed"

    def ask_again(self, students: Collection[str]) -> None:
        """Begin a new round for these students; a round that was not finished goes on."""
        unfinished = set(self._again["unfinished"])
        for student in set(students) - unfinished:
            self._again["rounds"][student] = self._again["rounds"].get(student, 0) + 1
        self._remember(unfinished | set(students))

    def finish(self, students: Collection[str]) -> None:
        """Remember that the round of these students is finished."""
        unfinished = set(self._again["unfinished"])
        if unfinished & set(students):
            self._remember(unfinished - set(students))

    def _remember(self, unfinished: set[str]) -> None:
        self._again["unfinished"] = sorted(unfinished)
        write_json(self.results / "again.json", self._again)

    def _work(self, student: str) -> Work:
        work, folder = Work(student), self.folder(student)
        try:
            if not folder.is_dir() or not any(folder.iterdir()):
                return work
            if sign := strange(student):
                raise Unreadable(f"the name of the folder has {sign} in it; rename the folder")
            submission = read(folder, self.assignment)
            work.plan = plan = lay(self.master, submission)
        except Unreadable as reason:
            work.reason = str(reason)
            return work
        except Exception as error:  # the others go on
            told = one_line(f"{type(error).__name__}: {error}")[:200]
            work.reason = f"it cannot be read ({told}); look at the file, and report this"
            return work
        work.remarks = list(plan.remarks)
        texts = digest([asdict(cell) for cell in submission.cells])
        number = self._again["rounds"].get(student, 0)
        key = digest([texts, self._edition, environment(), number])
        words = {name: digest(text) for name, text in plan.words.items()}
        work.record = Record(key, texts, self._edition, environment(), number, words)
        work.spec = self.spec(plan, key)
        return work

    def spec(self, plan: Plan, key: str) -> str:
        """Return the job that marks what has been laid into the teacher's notebook."""
        steps = [asdict(step) for step in plan.steps]
        return json.dumps({**self._spec, "sandbox": self._sandbox, "key": key, "steps": steps})


def _master(course: Path, assignment: str) -> list[dict[str, Any]]:
    path = course / "source" / assignment / f"{assignment}.ipynb"
    known = sorted(p.name for p in (course / "source").glob("*") if p.is_dir())
    missing = (
        f"{path}: expected the teacher's notebook of an assignment, found no such file; "
        f"there are {', '.join(known)}"
        if known
        else f"{course}: expected the folder of a course, with source/ in it, found none; "
        "name it with --course, or make it with `make release`"
    )
    remedy = "make it again with `make release`"
    with reading(path, "the teacher's notebook", remedy, missing=missing):
        cells: list[dict[str, Any]] = json.loads(path.read_bytes())["cells"]
    return cells


def digest(value: object) -> str:
    """Return a hash of a value that can be written as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
