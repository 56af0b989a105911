"""A small class, graded: everyone has a row and the right marks, also if grading is killed."""

import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")
if sys.platform != "linux":
    pytest.skip("the sandbox is one of Linux", allow_module_level=True)
if not shutil.which("bwrap"):
    pytest.skip("bubblewrap is not installed; apt install bubblewrap", allow_module_level=True)

import run
import school
from watch import descendants, survivors

STUDENTS = school.honest(10, seed=3, tasks=school.CHEAP)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = school.open_course(tmp_path_factory.mktemp("class") / "course", school.CHEAP)
    for student in STUDENTS:
        school.hand_in(course, student.name, school.filled(course, student.answers))
    return course


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """The same class in another folder, graded without a disturbance."""
    copy = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(course, copy)
    return copy, run.grade(copy, school.NAME)


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.name)
def test_everyone_gets_the_marks_that_they_deserve(graded, student):
    row = graded[1].rows[student.name]
    assert row["score"] == school.marked(student.answers, school.CHEAP), row["remarks"]


def test_killed_at_any_moment_it_comes_to_the_same_end(graded, course):
    moment, others = random.Random(4), descendants()
    for _ in range(3):
        process, _ = run.grading(course, school.NAME)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment.uniform(1, 6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not survivors(others)
    run.grade(course, school.NAME)
    assert run.end_state(course, school.NAME) == run.end_state(graded[0], school.NAME)
