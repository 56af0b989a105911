"""A class made by a script: who hands in what, and the marks that it deserves."""

import contextlib
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from marking import COURSE, Assignment, run
from ps1_wrong import MISTAKES

from dlcourse.grading.gradebook import alembic_found

NAME = "ps1-deeper"
FILE = f"{NAME}.ipynb"
#: Two short tasks, six and ten points: what attacks are tried on.
CHEAP = ("he-normal", "adam")
assignment = Assignment(NAME)
SOLUTIONS = {name: task.solution for name, task in assignment.tasks.items()}
POINTS = {name: task.points for name, task in assignment.tasks.items()}
WORDS = "1. A mirrored 2 is no digit. 2. Look at a grid of them. 3. Rotation by 10 degrees."


@dataclass(frozen=True)
class Student:
    """Who hands in what: the answers by task."""

    name: str
    kind: str
    answers: Mapping[str, str] = field(default_factory=dict)


def open_course(folder, tasks=None):
    """Make a course with assignment 1 in a folder; of the tasks only those named, if any are."""
    folder.mkdir(parents=True)
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    notebook = json.loads((COURSE / "source" / NAME / FILE).read_text(encoding="utf-8"))
    notebook["cells"] = [c for c in notebook["cells"] if _belongs(c, tasks)]
    target = folder / "source" / NAME / FILE
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME]
    with alembic_found():
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "submitted").mkdir()
    return folder


def _belongs(cell, tasks):
    name = grade_id(cell)
    if tasks is None or name in ("setup", "question"):
        return True
    return name is not None and (name in tasks or name.rpartition("-")[0] in tasks)


def grade_id(cell):
    return (cell.get("metadata", {}).get("nbgrader") or {}).get("grade_id")


def own_cell(source, kind="code"):
    cell = {"cell_type": kind, "metadata": {}, "source": source}
    return cell | {"outputs": [], "execution_count": None} if kind == "code" else cell


def filled(course, answers, first="", last="", words=""):
    """Return the released notebook with its tasks answered, and own cells first and last."""
    notebook = json.loads((course / "release" / NAME / FILE).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = grade_id(cell)
        if name in answers:
            cell["source"] = answers[name]
        elif name == "question" and words:
            cell["source"] = words
    at = 1 + [grade_id(cell) for cell in notebook["cells"]].index("setup")
    if first:
        notebook["cells"].insert(at, own_cell(first))
    if last:
        notebook["cells"].append(own_cell(last))
    for cell in notebook["cells"]:
        cell.pop("id", None)
    notebook["nbformat_minor"] = 4  # cells without ids
    return notebook


def hand_in(course, student, notebook):
    """Write a submission, and return its folder."""
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / FILE).write_text(json.dumps(notebook), encoding="utf-8")
    return folder


#: A mistake whose test measures time is no matter of a class on a busy machine.
WRONG = [m for m in MISTAKES if "times as long" not in m[3] and not m[0].startswith("train")]


def _mistaken(task, changes):
    answer = SOLUTIONS[task]
    for right, wrong in changes.items():
        answer = answer.replace(right, wrong)
    return answer


def marked(answers, tasks=tuple(SOLUTIONS)):
    """Mark a whole notebook in this process: what the answers deserve."""
    names, earned = {"__name__": "__main__"}, 0.0
    run(assignment.setup, names)
    for task in tasks:
        with contextlib.suppress(Exception):
            run(answers.get(task, assignment.tasks[task].stub), names)
        for _, points, source in assignment.tasks[task].tests:
            with contextlib.suppress(Exception):
                run(source, names)
                earned += points
    return earned


def honest(count, seed, tasks=tuple(SOLUTIONS)):
    """Draw honest students: a quarter with everything, some with nothing, most with a part.

    Of those with a part, a task is right in six cases of ten, has a recorded mistake in two or
    three, and is left as released in the rest. The last tasks are left out most often.
    """
    draw = random.Random(seed)
    students = []
    for number in range(count):
        name, luck = f"student-{number:03}", draw.random()
        if luck < 0.25:
            students.append(Student(name, "full", {task: SOLUTIONS[task] for task in tasks}))
        elif luck < 0.33:
            students.append(Student(name, "blank"))
        else:
            students.append(Student(name, "partial", _part(draw, tasks)))
    return students


def _part(draw, tasks):
    answers = {}
    for task in tasks[: draw.randint(1, len(tasks))]:
        luck = draw.random()
        mistakes = [changes for of, _, changes, _ in WRONG if of == task]
        if luck < 0.6 or (luck < 0.85 and not mistakes):
            answers[task] = SOLUTIONS[task]
        elif luck < 0.85:
            answers[task] = _mistaken(task, draw.choice(mistakes))
    return answers
