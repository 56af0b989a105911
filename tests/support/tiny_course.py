"""A course with one assignment of two tasks and a question, for tests of what grades a class."""

import json
import logging
import shutil
from pathlib import Path

NAME = "ps0-tiny"
CONFIGURATION = Path(__file__).parents[2] / "exercises" / "nbgrader_config.py"
RIGHT = {"double": "right", "triple": "right"}


def mark(name, points=None, solution=False, kind="code"):
    """What nbgrader keeps with a cell."""
    data = {
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
        "grade_id": name,
        "schema_version": 3,
        "cell_type": kind,
    }
    return {"nbgrader": data if points is None else {**data, "points": points}}


def cell(kind, source, metadata):
    one = {"cell_type": kind, "source": source, "metadata": metadata}
    return one if kind == "markdown" else {**one, "execution_count": None, "outputs": []}


def solution(name):
    text = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {name}d(x)\n    ### END SOLUTION"
    return cell("code", text, mark(name, solution=True))


CELLS = [
    cell("markdown", "# A tiny assignment", {}),
    cell("code", "import math", mark("setup", 0)),
    solution("double"),
    cell("code", "assert double(2) == 4", mark("double-visible", 2)),
    cell(
        "code",
        "# Hidden.\n### BEGIN HIDDEN TESTS\nassert double(3) == 6\n### END HIDDEN TESTS",
        mark("double-hidden", 4),
    ),
    solution("triple"),
    cell("code", "assert triple(2) == 6", mark("triple-visible", 4)),
    cell(
        "markdown",
        "### BEGIN SOLUTION\nIt grows.\n### END SOLUTION",
        mark("why", 5, solution=True, kind="markdown"),
    ),
]


def notebook(cells):
    cells = [{**one, "id": str(number)} for number, one in enumerate(cells)]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    )


def make(folder):
    """Make the course, with the real nbgrader."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    from dlcourse.grading.gradebook import alembic_found

    folder.mkdir(parents=True)
    shutil.copy(CONFIGURATION, folder)
    source = folder / "source" / NAME
    source.mkdir(parents=True)
    (source / f"{NAME}.ipynb").write_text(notebook(CELLS))
    directory = CourseDirectory(root=str(folder), course_id="dlcourse")
    with alembic_found():
        said = NbGraderAPI(directory).generate_assignment(NAME)
    logging.getLogger("traitlets").handlers.clear()
    assert said["success"], said


def hand_in(course, student, answers, words="It grows.", own=(), stamp="2026-11-01 10:00:00 UTC"):
    """Hand in the release with cells filled in; the answer to a task has these words in it."""
    released = json.loads((course / "release" / NAME / f"{NAME}.ipynb").read_text())
    for one in released["cells"]:
        name = one["metadata"].get("nbgrader", {}).get("grade_id")
        if name == "why" and words is not None:
            one["source"] = words
        elif name in answers:
            one["source"] = f"def {name}(x):\n    return x  # {answers[name]}"
    cells = [*released["cells"], *(cell("code", text, {}) for text in own)]
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.ipynb").write_text(notebook(cells))
    (folder / "timestamp.txt").write_text(stamp)
    return folder
