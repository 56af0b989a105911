"""Autograde all submissions of an assignment, lose none, and write the marks as CSV.

    python tools/grade.py ps1-deeper [--course exercises] [--student NAME] [--again]

It runs ``nbgrader autograde`` for one submission at a time, each in a process of its own with a
limit on its time. What nbgrader skips without a mark (a file that is not a notebook or has the
wrong name, a kernel that died, a process that hung) is listed with the reason and gets a row as
well. ``grades/ASSIGNMENT.csv`` has one row for each folder in ``submitted/``:

student, status, score, max_score, remarks

where status is ``graded``, ``needs a look`` (graded, but read the remarks) or ``not graded``.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry

from dlcourse.files import atomic_write

ROOT = Path(__file__).resolve().parent.parent

#: Text in a learner's cells that no honest answer needs.
SUSPICIOUS = {
    r"\bcheck\.\w+\s*=[^=]|setattr\(\s*check": "replaces a check",
    r"ast_transformers|input_transformers|set_custom_exc": "changes how cells are run",
    r"os\._exit|os\.kill|sys\.exit": "ends the process",
    r"gradebook\.db|\bsource/ps|\.\./\.\./\.\.": "reads files of the course",
    r"\bsubprocess\b|os\.system|\bsocket\b|urllib|requests\.": "starts programs or asks a server",
    r"setprofile|settrace": "changes what watches the calls",
}


@dataclass
class Outcome:
    """What became of one submission."""

    student: str
    score: float | None = None
    max_score: float | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """One of ``graded``, ``needs a look`` and ``not graded``."""
        if self.score is None:
            return "not graded"
        return "needs a look" if self.remarks else "graded"


def problem(folder: Path, name: str) -> str | None:
    """Return why the files of a submission cannot be graded, or None if they can."""
    path = folder / f"{name}.ipynb"
    if not path.is_file():
        found = sorted(p.name for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
        if not found:
            return "nothing was handed in"
        return (
            f"there is no {path.name}, only {', '.join(found)}; rename the right one, grade again"
        )
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise
        return f"{path.name} is not a notebook ({type(error).__name__}); ask for it again"
    marked = [cell for cell in notebook.cells if cell.metadata.get("nbgrader")]
    if not marked:
        return f"{path.name} has none of the cells of the assignment; is it another notebook?"
    return None


def environment() -> dict[str, str]:
    """Return the environment for nbgrader: it calls alembic, which lies beside this Python."""
    beside = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])}


def autograde(course: Path, name: str, student: str, options: list[str], limit: float) -> str:
    """Run nbgrader on one submission, and return what it said; a hung process is ended."""
    command = [sys.executable, "-m", "nbgrader", "autograde", name, f"--student={student}"]
    process = subprocess.Popen(
        [*command, "--force", *options],
        cwd=course,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that the kernel ends with it
    )
    try:
        said, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        said += f"\nENDED after {limit:.0f} seconds\n"
    return said


def remarks(said: str, submitted: Path, released: Path, graded: Path) -> list[str]:
    """Return what a teacher should know about a submission that was run.

    Parameters
    ----------
    said : str
        What nbgrader said.
    submitted, released, graded : Path
        The notebook as it was handed in, as it was released, and as it was run.
    """
    found = []
    if "ENDED after" in said:
        found.append("grading took too long and was ended")
    if "Kernel died" in said or "DeadKernelError" in said:
        found.append("the kernel died: a cell ended the process or ran out of memory")
    theirs = {grade_id(cell): cell for cell in cells(submitted)}
    wanted = [cell for cell in cells(released) if grade_id(cell)]
    deleted = [grade_id(cell) for cell in wanted if grade_id(cell) not in theirs]
    edited = [
        name
        for cell in wanted
        if (name := grade_id(cell)) in theirs
        and cell.metadata.nbgrader.locked
        and cell.source.strip() != theirs[name].source.strip()
    ]
    if deleted:
        found.append(f"deleted cells were put back: {', '.join(deleted)}")
    if edited:
        found.append(f"edited cells were put back: {', '.join(edited)}")
    slow = []
    for cell in cells(graded) if graded.is_file() else ():
        name = grade_id(cell) or "a cell of the learner's own"
        errors = {output.get("ename") for output in cell.get("outputs", ())} - {None}
        if "CellTimeoutError" in errors:
            slow.append(name)
        if name == "setup" and errors:
            found.append("the setup failed; is dlcourse installed where you grade?")
    if slow:
        found.append(f"took too long and were interrupted: {', '.join(slow)}")
    own = "\n".join(
        cell.source
        for cell in cells(submitted)
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("locked")
    )
    for text, what in SUSPICIOUS.items():
        if re.search(text, own):
            found.append(f"read the code, it {what}")
    return found


def cells(path: Path) -> list[nbformat.NotebookNode]:
    """Return the cells of a notebook."""
    found: list[nbformat.NotebookNode] = nbformat.read(path, as_version=4).cells
    return found


def grade_id(cell: nbformat.NotebookNode) -> str:
    """Return the name that nbgrader knows a cell by, or an empty text."""
    name: str = cell.metadata.get("nbgrader", {}).get("grade_id") or ""
    return name


def marks(course: Path, name: str, student: str) -> tuple[float, float, bool] | None:
    """Return score, highest score and whether a person must grade, from the gradebook."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        try:
            submission = gradebook.find_submission(name, student)
        except MissingEntry:
            return None
        return submission.score, submission.max_score, submission.needs_manual_grade


def grade(
    course: Path, name: str, student: str, options: list[str], limit: float, again: bool
) -> Outcome:
    """Grade one submission, unless it has been graded already."""
    outcome = Outcome(student)
    if reason := problem(course / "submitted" / student / name, name):
        outcome.remarks.append(reason)
        return outcome
    log = course / "logs" / name / f"{student}.log"
    graded = course / "autograded" / student / name / f"{name}.ipynb"
    submitted = course / "submitted" / student / name / f"{name}.ipynb"
    released = course / "release" / name / f"{name}.ipynb"
    newer = log.exists() and submitted.stat().st_mtime > log.stat().st_mtime
    if again or newer or not log.exists():
        said = autograde(course, name, student, options, limit)
        with atomic_write(log) as file:
            file.write(said.encode())
    outcome.remarks = remarks(log.read_text(encoding="utf-8"), submitted, released, graded)
    entry = marks(course, name, student)
    if graded.is_file() and entry:
        outcome.score, outcome.max_score, _ = entry
    elif not outcome.remarks:
        outcome.remarks.append(f"nbgrader failed; read {log.relative_to(course)}")
    return outcome


def write_csv(path: Path, outcomes: list[Outcome]) -> None:
    """Write one row for each submission, the whole file or nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "status", "score", "max_score", "remarks"])
    for one in outcomes:
        score = "" if one.score is None else f"{one.score:g}"
        most = "" if one.max_score is None else f"{one.max_score:g}"
        writer.writerow([one.student, one.status, score, most, "; ".join(one.remarks)])
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def main(arguments: list[str] | None = None) -> int:
    """Grade, print what became of each submission, and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("assignment")
    parser.add_argument("--course", type=Path, default=ROOT / "exercises")
    parser.add_argument("--student", help="grade this one; the others keep their marks")
    parser.add_argument("--again", action="store_true", help="grade also what is graded already")
    parser.add_argument("--cell-timeout", type=int, help="seconds for one cell")
    parser.add_argument("--time-limit", type=float, default=3600, help="seconds for a submission")
    chosen = parser.parse_args(arguments)
    course: Path = chosen.course.resolve()
    submitted = course / "submitted"
    if not (course / "release" / chosen.assignment).is_dir():
        print(f"{chosen.assignment} is not released in {course}; run `make release`")
        return 1
    students = sorted(p.name for p in submitted.glob("*") if p.is_dir())
    if not students:
        print(f"there are no submissions: expected {submitted}/STUDENT/{chosen.assignment}/")
        return 1
    if chosen.student and chosen.student not in students:
        print(f"there is no submission of {chosen.student!r} in {submitted}")
        return 1
    options = [f"--Execute.timeout={chosen.cell_timeout}"] if chosen.cell_timeout else []
    outcomes = []
    for student in students:
        again = chosen.again if chosen.student is None else student == chosen.student
        one = grade(course, chosen.assignment, student, options, chosen.time_limit, again)
        outcomes.append(one)
        score = "-" if one.score is None else f"{one.score:g} of {one.max_score:g}"
        print(f"{student:20s} {one.status:12s} {score:12s} {'; '.join(one.remarks)}", flush=True)
    path = course / "grades" / f"{chosen.assignment}.csv"
    write_csv(path, outcomes)
    flagged = sum(one.status != "graded" for one in outcomes)
    print(f"{len(outcomes)} submissions, {flagged} of them to look at; marks in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
