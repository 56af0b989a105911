"""What Moodle and Canvas are given."""

import csv

import pytest

pytest.importorskip("nh3", reason="nh3 is not installed; `make grading` installs it")

from dlcourse.grading import exports, outline
from dlcourse.grading.table import Row

OF = outline.Outline(
    "Sums",
    [
        outline.Task(
            "add", "Task 1", [outline.Cell("add-1", "test", 2), outline.Cell("add-2", "test", 4)]
        ),
        outline.Task("why", "Task 2", [outline.Cell("why", "question", 4)]),
    ],
    {},
)
ROWS = [
    Row("ann", "graded", 7.5, 10, tasks={"add": 6, "why": 1.5}),
    Row("=cmd|' /C calc'!A0", "needs a look", 0, 10, tasks={"add": 0, "why": 0}),
    Row("cy", "not graded", remarks=["there is no notebook"]),
    Row("di", "nothing handed in"),
]
PEOPLE = {
    "ann": {
        "id": "ann",
        "first_name": "Ann",
        "last_name": "+Lee",
        "email": "a@b.org",
        "lms_user_id": "17",
    }
}


def lines(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_moodle(tmp_path):
    exports.moodle(tmp_path / "m.csv", "ps1", OF, ROWS, PEOPLE)
    assert lines(tmp_path / "m.csv") == [
        ["ID number", "First name", "Last name", "Email address", "ps1", "ps1 add", "ps1 why"],
        ["ann", "Ann", "'+Lee", "a@b.org", "7.5", "6", "1.5"],
        ["'=cmd|' /C calc'!A0", "", "", "", "0", "0", "0"],
    ]


def test_canvas(tmp_path):
    exports.canvas(tmp_path / "c.csv", "ps1", OF, ROWS, PEOPLE)
    assert lines(tmp_path / "c.csv") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps1", "ps1 add", "ps1 why"],
        ["    Points Possible", "", "", "", "", "10", "6", "4"],
        ["'+Lee, Ann", "17", "", "ann", "", "7.5", "6", "1.5"],
        ["'=cmd|' /C calc'!A0", "", "", "'=cmd|' /C calc'!A0", "", "0", "0", "0"],
    ]


@pytest.mark.parametrize("write", [exports.moodle, exports.canvas])
def test_without_a_roster_names_are_folders(tmp_path, write):
    write(tmp_path / "a.csv", "ps1", OF, ROWS[:1])
    assert "ann" in lines(tmp_path / "a.csv")[-1]
