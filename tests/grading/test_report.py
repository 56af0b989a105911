"""The teacher's view: what the report of a run says."""

import json

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

import bs4
from alike import OTHER, RENAMED, SAME
from chromium import unreadable
from tiny_course import NAME, RIGHT, hand_in

from dlcourse.grading import changes, jobs, report
from dlcourse.grading.gradebook import Record
from dlcourse.grading.table import Row


def sections(path):
    """Return the text below each heading of the second level."""
    page = bs4.BeautifulSoup(path.read_text(), "html.parser")
    found = {}
    for heading in page.find_all("h2"):
        parts = []
        for sibling in heading.find_next_siblings():
            if sibling.name == "h2":
                break
            parts.append(sibling.get_text(" ", strip=True))
        found[heading.get_text(strip=True)] = " ".join(parts)
    return found


@pytest.fixture
def handed_in(course):
    """Hand in for a class."""
    (course / "students.csv").write_text("id\nann\nbob\ncy\ndi\nnone\nlate\ntext\n")
    (course / "course.toml").write_text(
        f'roster = "students.csv"\ntime_zone = "Europe/Berlin"\n[due]\n{NAME} = 2026-11-01\n'
    )
    hand_in(course, "ann", RIGHT)
    hand_in(course, "bob", {"double": f"{SAME}# right"})
    hand_in(course, "cy", {"double": RENAMED}, words=None)
    hand_in(course, "di", {"double": OTHER, "triple": "fails flagged"})
    hand_in(course, "late", {"double": OTHER.replace("32", "64")}, stamp="2026-11-03 01:00:00 UTC")
    (hand_in(course, "text", {}) / f"{NAME}.ipynb").write_text("Dear teacher,")
    jobs.grade(course, NAME)
    return course


def test_what_it_says(handed_in):
    path = report.write(handed_in, NAME)
    assert path == handed_in / "grades" / f"{NAME}.html"
    assert "<script" not in path.read_text() and "default-src 'none'" in path.read_text()
    found = sections(path)
    assert "5 graded in a sandbox (bubblewrap)" in found["What these marks can be trusted for"]
    assert "proposal" not in found["What these marks can be trusted for"]
    to_do = found["To do"]
    assert to_do.index("Not graded: ") < to_do.index("Needs a look: the sandbox was left di")
    assert "To be marked by hand, 5 points each, in nbgrader's formgrader ann bob di late" in to_do
    assert found["Nothing handed in"] == "none"
    assert found["Late"] == "In hours and minutes. late : 26:01"
    assert (
        "mean 3.2, lowest 0, lower quartile 0, median 0, upper quartile 6" in found["Distribution"]
    )
    assert "double 2.4 6 2 0 3" in found["Points by task"]
    assert "5 " in found["What tests said most often"]
    assert "4 triple expected <b>6</b>, found 5" in found["What tests said most often"]
    assert "1 double NameError: x" in found["What tests said most often"]
    alike = found["Nearly the same answers"]
    assert "never a verdict" in alike and "bob cy double: 100 %" in alike
    assert "ann" in found["Slowest"]
    links = [a["href"] for a in bs4.BeautifulSoup(path.read_text(), "html.parser").find_all("a")]
    assert f"../feedback/ann/{NAME}/{NAME}.html" in links
    for link in links:
        if link.startswith("../autograded"):
            assert (path.parent / link).is_file()


def test_without_a_sandbox_it_says_so(course):
    hand_in(course, "ann", RIGHT)
    jobs.grade(course, NAME, without_sandbox=True)
    trust = sections(report.write(course, NAME))["What these marks can be trusted for"]
    assert "1 graded without a sandbox" in trust and "proposal" in trust


def test_a_class_in_which_nobody_handed_in(course):
    (course / "students.csv").write_text("id\nann\n")
    (course / "course.toml").write_text('roster = "students.csv"\n')
    found = sections(report.write(course, NAME))
    assert found["Nothing handed in"] == "ann"
    assert "Nothing has been graded" in found["What these marks can be trusted for"]
    assert "Distribution" not in found


def test_what_changed_and_why(handed_in):
    title = "What changed since the last run"
    assert sections(report.write(handed_in, NAME))[title] == "No mark."
    hand_in(handed_in, "cy", RIGHT, words=None)
    jobs.grade(handed_in, NAME)
    first = sections(report.write(handed_in, NAME))[title]
    assert "cy 0 10 double: 0 → 6; triple: 0 → 4 another submission" in first
    assert "ann" not in first
    # A page that is written again says the same.
    assert sections(report.write(handed_in, NAME))[title] == first


def record(submission="s", assignment="a", package="p", python="3.11", number=0):
    environment = {"package": package, "python": python, "numpy": "2.1"}
    return Record("key", submission, assignment, environment, number, {})


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({"submission": "t"}, ["another submission"]),
        ({"assignment": "b", "package": "q"}, ["the assignment changed", "the package changed"]),
        ({"python": "3.12"}, ["python is 3.12 now"]),
        ({"number": 1}, ["graded again"]),
        ({}, ["marks by hand"]),
    ],
)
def test_reasons(tmp_path, now, why):
    rows = (
        [Row("ann", "graded", 4.0, 10.0, tasks={"a": 4.0})],
        [Row("ann", "graded", 5.0, 10.0, tasks={"a": 5.0})],
    )
    assert changes.since(tmp_path, "ps1", rows[0], {"ann": [record()]}) == []
    (change,) = changes.since(tmp_path, "ps1", rows[1], {"ann": [record(), record(**now)]})
    assert (change.before, change.now, change.tasks, change.why) == (4, 5, {"a": (4, 5)}, why)


def test_a_mark_that_is_lost_says_why(tmp_path):
    graded = [Row("ann", "graded", 4.0, 10.0, tasks={"a": 4.0})]
    lost = [Row("ann", "not graded", remarks=["it is no notebook"])]
    changes.since(tmp_path, "ps1", graded, {})
    (change,) = changes.since(tmp_path, "ps1", lost, {})
    assert (change.now, change.why) == (None, ["not graded now", "it is no notebook"])


def test_damaged_memory_is_the_first_run(tmp_path):
    (tmp_path / "grades").mkdir()
    (tmp_path / "grades" / "ps1.before.json").write_text("{")
    assert changes.since(tmp_path, "ps1", [Row("ann", "graded", 4.0, 10.0)], {}) == []
    assert json.loads((tmp_path / "grades" / "ps1.before.json").read_text())["now"]["ann"]


def test_everybody_can_read_it(handed_in, browser, axe):
    assert unreadable(browser, axe, [report.write(handed_in, NAME)]) == []
