"""Grade a course in a process of its own, and see what it took."""

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_GRADE = """\
import json, sys
from pathlib import Path
from dlcourse.grading.jobs import grade
students = sys.argv[5:]
rows = grade(Path(sys.argv[1]), sys.argv[2], students=students, workers=int(sys.argv[3]) or None)
kept = ("student", "status", "score", "max_score", "tasks", "remarks", "sandbox", "key")
found = [{name: getattr(row, name) for name in kept} for row in rows]
Path(sys.argv[4]).write_text(json.dumps(found))
"""
_PAGES = """\
import sys
from pathlib import Path
from dlcourse.grading import feedback, report
for part in (feedback, report):
    part.write(Path(sys.argv[1]), sys.argv[2])
"""


@dataclass(frozen=True)
class Graded:
    """What came of it: the rows by student, seconds, and bytes of the largest process."""

    rows: dict
    seconds: float
    processor: float
    largest: int
    said: str


def grading(course, assignment, workers=0, students=()):
    """Start grading; return the process and the file that the rows come in."""
    rows = course.parent / "rows.json"
    rows.unlink(missing_ok=True)
    command = [sys.executable, "-c", _GRADE, course, assignment, workers, rows, *students]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ
    )
    return process, rows


def grade(course, assignment, workers=0, students=()):
    """Grade a course to the end."""
    begin, before = time.perf_counter(), _processor()
    process, path = grading(course, assignment, workers, students)
    said = process.communicate()[0].decode(errors="replace")
    if process.returncode:
        raise AssertionError(f"grading ended with {process.returncode}:\n{said[-3000:]}")
    rows = {row["student"]: row for row in json.loads(Path(path).read_text())}
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return Graded(rows, time.perf_counter() - begin, _processor() - before, largest, said)


def _processor():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pages(course, assignment):
    """Write the report and a feedback page for everyone."""
    subprocess.run([sys.executable, "-c", _PAGES, str(course), assignment], check=True)


def end_state(course, assignment):
    """Return all that grading leaves in a course, but for times, by name."""
    found = {}
    for path in sorted((course / "results" / assignment).glob("*.json")):
        found[f"results/{path.name}"] = _without_times(json.loads(path.read_text()))
    for path in sorted((course / "autograded").rglob("*")):
        if path.is_file():
            found[str(path.relative_to(course))] = path.read_bytes()
    for folder in ("results", "grades"):  # nothing half-written is left either
        found[folder] = sorted(str(p.relative_to(course)) for p in (course / folder).rglob("*"))
    found["table"] = (course / "grades" / f"{assignment}.csv").read_bytes()
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as book:
        found["gradebook"] = book.execute(_MARKS).fetchall()
    return found


_MARKS = """\
SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score,
    grade.needs_manual_grade
FROM grade JOIN base_cell ON grade.cell_id = base_cell.id
JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
ORDER BY 1, 2
"""


def _without_times(value):
    if isinstance(value, dict):
        times = ("seconds", "computed")
        return {key: _without_times(one) for key, one in value.items() if key not in times}
    return [_without_times(one) for one in value] if isinstance(value, list) else value
