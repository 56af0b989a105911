"""The real nbgrader: it releases, validates, shows, exports; marks come from `dlcourse.grading`."""

import csv
import json
import shutil
import subprocess
import sys

import pytest
from marking import COURSE, Assignment

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

import nbformat
import tiny_course
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import PyFileConfigLoader

from dlcourse.grading import autograded, jobs
from dlcourse.grading.gradebook import alembic_found

NAME = "ps1-deeper"
NAMES = sorted(path.stem for path in (COURSE / "text").glob("*.py"))
SCRIPT = "<script>alert('learner')</script>"


def nbgrader(course, *arguments):
    with alembic_found():
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=course,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with all assignments released."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(COURSE / "source", folder / "source")
    api = NbGraderAPI(CourseDirectory(root=str(folder), course_id="dlcourse"))
    with alembic_found():
        for name in NAMES:
            said = api.generate_assignment(name)
            assert said["success"], said
    return folder


def read(course, name):
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


def test_source_is_in_step_with_its_text():
    assignments = pytest.importorskip("assignments", reason="needs jupytext, of requirements/book")
    for text in assignments.TEXTS.glob("*.py"):
        path = assignments.source_path(text)
        assert path.read_text() == assignments.notebook(text), "run python tools/assignments.py"


@pytest.mark.parametrize("name", NAMES)
def test_release_gives_nothing_away(course, name):
    one, released = Assignment(name), read(course, name)
    text = nbformat.writes(released)
    for secret in ("BEGIN", "SOLUTION", "_hidden"):
        assert secret not in text
    sentences = [line for answer in one.manual_answers for line in answer.splitlines()]
    assert sentences
    for sentence in sentences:
        assert sentence not in "".join(cell.source for cell in released.cells)
    assert text.count("raise NotImplementedError()") >= len(one.tasks)
    assert text.count("Hidden tests of this task run here") == len(one.tasks)
    stubs = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in released.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"
    }
    # So that tests/exercises/answers.py speaks of what is really released.
    assert stubs == {name: task.stub for name, task in one.tasks.items()}


@pytest.mark.parametrize("name", NAMES)
def test_released_copy_for_the_book_is_in_step(course, name):
    released, copy = read(course, name), read(COURSE, name)
    assert [c.source for c in copy.cells] == [c.source for c in released.cells]
    assert [c.metadata for c in copy.cells] == [c.metadata for c in released.cells]
    assert not any(cell.get("outputs") for cell in copy.cells)


def test_validate_tells_a_learner(course, tmp_path):
    answer, paths = Assignment(NAME).tasks["adam"].solution, []
    for name, answers in (("blank", {}), ("adam", {"adam": answer})):
        notebook = read(course, NAME)
        # Two tasks are enough, and no training.
        notebook.cells = [
            cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id", "").split("-")[0]
            in ("setup", "adam")
        ]
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
        paths.append(tmp_path / f"{name}.ipynb")
        nbformat.write(notebook, paths[-1])
    blank, _, adam = nbgrader(tmp_path, "validate", *map(str, paths)).partition("Success")
    assert "VALIDATION FAILED" in blank
    assert adam


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A tiny course with one graded submission that would run scripts, and its row."""
    folder = tmp_path_factory.mktemp("graded") / "course"
    tiny_course.make(folder)
    words = f"{SCRIPT} <img src=x onerror=alert(1)> [a](javascript:alert(1)) and $x^2$"
    tiny_course.hand_in(folder, "ann", {"double": f"right {SCRIPT}"}, words)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs, "choose", lambda without: None)
        patched.setattr(jobs, "side_by_side", judged)
        (row,) = jobs.grade(folder, tiny_course.NAME)
    return folder, row


def judged(specs, folder, **how):
    """The results of a judge that finds the first test right, and the others wrong."""
    for key, text in specs.items():
        tests = [step for step in json.loads(text)["steps"] if step["kind"] == "test"]
        result = {
            "format": "dlcourse marks 1",
            "key": key,
            "sandbox": "bubblewrap",
            "tests": [
                {
                    "name": test["name"],
                    "points": 0.0 if number else test["points"],
                    "of": test["points"],
                    "message": f"expected {SCRIPT}" if number else "",
                }
                for number, test in enumerate(tests)
            ],
            "cells": [],
            "remarks": [],
            "ended": None,
        }
        yield key, json.dumps(result)


def test_feedback_shows_the_marks_and_runs_nothing(graded):
    folder, row = graded
    nbgrader(folder, "generate_feedback", tiny_course.NAME)
    name = tiny_course.NAME
    page = (folder / "feedback" / "ann" / name / f"{name}.html").read_text()
    assert f"{row.score:g}" in page
    assert_inert(page)
    assert "double(3) == 6" not in page


def test_the_formgrader_runs_nothing(graded):
    """It renders with the configuration of the course, and a template of its own."""
    folder, _ = graded
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers

    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    known = ("assignment_id", "notebook_id", "submission_id", "base_url", "student", "last_name")
    resources = dict.fromkeys((*known, "first_name", "notebook_path"), "x")
    page, _ = HTMLExporter(config=config).from_filename(
        str(autograded.path(folder, "ann", tiny_course.NAME)),
        resources={**resources, "index": 0, "total": 1},
    )
    assert_inert(page)


def assert_inert(page):
    assert "alert" in page  # it is shown
    assert SCRIPT not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page


def test_export(graded):
    folder, row = graded
    nbgrader(folder, "export", "--to=all.csv")
    with (folder / "all.csv").open(newline="") as file:
        (exported,) = csv.DictReader(file)
    assert (exported["student_id"], exported["assignment"]) == ("ann", tiny_course.NAME)
    assert (float(exported["score"]), float(exported["max_score"])) == (row.score, row.max_score)
