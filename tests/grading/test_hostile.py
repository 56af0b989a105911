"""Nobody earns a mark with a trick, sees what is secret, or does harm; the honest marks stay."""

import csv
import os
import shutil
import sys

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")
if sys.platform != "linux":
    pytest.skip("the sandbox is one of Linux", allow_module_level=True)
if not shutil.which("bwrap"):
    pytest.skip("bubblewrap is not installed; apt install bubblewrap", allow_module_level=True)

import hostile
import run
import school
from watch import Watch

#: Those that take long are tried with a class, by `python benchmarks/grading.py`.
KINDS = {name: kind for name, kind in hostile.kinds().items() if not kind.long}
NEIGHBOUR = "aa-neighbour"
#: A test of an attack that never ends is ended after this many seconds.
SECONDS = 4


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Every kind, each a student, graded; and what was harmed."""
    folder = tmp_path_factory.mktemp("hostile")
    course = school.open_course(folder / "course", school.CHEAP)
    (course / "course.toml").write_text(f"test_seconds = {SECONDS}\njob_minutes = 6\n")
    with Watch(folder) as watch:
        school.hand_in(course, NEIGHBOUR, school.filled(course, school.SOLUTIONS))
        for name, kind in KINDS.items():
            kind.hand_in(course, name, watch.words)
        watch.remember()
        graded = run.grade(course, school.NAME, 2 * len(os.sched_getaffinity(0)))
        run.pages(course, school.NAME)
        yield course, graded, watch.harm()


def test_nothing_is_harmed(course):
    assert course[2] == []


@pytest.mark.parametrize("name", KINDS)
def test_it_earns_what_it_deserves(course, name):
    kind, row = KINDS[name], course[1].rows[name]
    if not kind.graded:
        assert row["status"] == "not graded"
        assert row["remarks"]
    elif kind.spoilt:
        assert (row["score"] or 0) <= kind.deserves, row
        assert row["status"] != "not graded" or row["remarks"]
    else:
        assert row["score"] == kind.deserves, row


def test_a_spreadsheet_computes_nothing(course):
    with (course[0] / "grades" / f"{school.NAME}.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_everyone_has_a_page(course):
    pages = [course[0] / "feedback" / name / school.NAME / f"{school.NAME}.html" for name in KINDS]
    assert all(page.is_file() for page in pages)


def test_the_neighbour_keeps_the_marks(course):
    assert course[1].rows[NEIGHBOUR]["score"] == sum(school.POINTS[t] for t in school.CHEAP)


def test_every_submission_has_its_row(course):
    assert sorted(course[1].rows) == sorted([NEIGHBOUR, *KINDS])


def test_memory_and_disk_stay_bounded(course):
    folder, graded, _ = course
    assert graded.largest < 5 * 2**30
    written = [
        path.stat().st_size
        for name in ("results", "autograded", "feedback", "grades", "gradebook.db")
        for path in [folder / name, *(folder / name).rglob("*")]
        if path.is_file()
    ]
    assert max(written) < 20 * 2**20
    assert sum(written) < len(KINDS) * 2**20
