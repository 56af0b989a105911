"""The table of a class, what it asks a teacher to do, and the settings of a course."""

import csv
import datetime as dt

import pytest

pytest.importorskip("nh3", reason="nh3 is not installed; `make grading` installs it")

from dlcourse.files import FileError
from dlcourse.grading import people, settings, table
from dlcourse.grading.table import Row

WHEN = dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)


def test_rows_are_written(tmp_path):
    rows = [
        Row("nobody", "nothing handed in"),
        Row(
            "ann",
            "needs a look",
            score=92.5,
            max_score=100,
            open=8,
            handed_in=WHEN,
            late=dt.timedelta(days=1, seconds=1),
            tasks={"adam": 16, "dropout": 0},
            remarks=["one", "two; and\nmore"],
            sandbox="none",
        ),
    ]
    table.write(tmp_path / "grades" / "ps1.csv", rows)
    with (tmp_path / "grades" / "ps1.csv").open(newline="") as file:
        empty, full = csv.DictReader(file)
    assert set(empty.values()) == {"nobody", "nothing handed in", ""}
    assert full == {
        "student": "ann",
        "status": "needs a look",
        "score": "92.5",
        "max_score": "100",
        "open": "8",
        "handed in": "2026-11-01 10:00:00+00:00",
        "late": "24:01",
        "adam": "16",
        "dropout": "0",
        "remarks": "one; two; and more",
        "sandbox": "none",
    }


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\x1b]0;owned\x07"])
def test_names_do_nothing(tmp_path, name):
    row = Row(name, "not graded", remarks=[name])
    table.write(tmp_path / "a.csv", [row])
    line = (tmp_path / "a.csv").read_text().splitlines()[1]
    assert not line.startswith(("=", "+", "-", "@"))
    assert "\x1b" not in line + table.summary([row])


def test_the_summary_is_by_what_there_is_to_do():
    rows = [
        Row("ann", "graded", 92, 100, open=8),
        Row("bob", "graded", 80, 100, open=8, late=dt.timedelta(hours=1)),
        Row("cat", "needs a look", 70, 100, remarks=["twice", "read it"]),
        Row("cay", "needs a look", 70, 100, remarks=["read it"]),
        Row("dan", "not graded", remarks=["ask again"]),
        Row("eve\nz graded", "nothing handed in"),
    ]
    assert table.summary(rows).split("\n\n") == [
        "6 students: 2 graded, 2 needs a look, 1 not graded, 1 nothing handed in",
        "to be marked by a person, 16 points: 2\n  ann, bob",
        "needs a look: 2\n  read it: cat, cay\n  twice: cat",
        "not graded: 1\n  ask again: dan",
        "late: 1\n  bob",
        "nothing handed in: 1\n  eve z graded",
    ]


@pytest.fixture
def course(tmp_path):
    for name in ("ps1", "ps2", "ps3"):
        (tmp_path / "source" / name).mkdir(parents=True)
    return tmp_path


def test_settings_are_read(course):
    assert settings.read(course) == settings.Settings()
    (course / "roster.csv").write_text("\ufeffid,email\n ann ,a@b\n,\nbob,\n", encoding="utf-8")
    (course / "course.toml").write_text(
        'time_zone = "Europe/Berlin"\nroster = "roster.csv"\ntest_seconds = 5\n'
        "[due]\nps1 = 2026-11-01\nps2 = 2026-11-01T12:00:00\nps3 = 2026-11-01T12:00:00Z\n"
    )
    found = settings.read(course)
    assert found.roster == {"ann": {"id": "ann", "email": "a@b"}, "bob": {"id": "bob", "email": ""}}
    assert (found.test_seconds, found.job_minutes) == (5, 30)
    assert {name: date.astimezone(dt.UTC).isoformat() for name, date in found.due.items()} == {
        "ps1": "2026-11-01T22:59:59+00:00",
        "ps2": "2026-11-01T11:00:00+00:00",
        "ps3": "2026-11-01T12:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("due = [", "expected the settings of a course, found a file that cannot be read"),
        ("late = 1", "found 'late', which is none of time_zone, roster"),
        ("time_zone = 1", "found time_zone = 1"),
        ('time_zone = "Mars/Olympus"', "which this machine does not know"),
        ('time_zone = "/etc/passwd"', "which this machine does not know"),
        ("test_seconds = true", "found test_seconds = True"),
        ("job_minutes = -1", "no time to work in"),
        ("test_seconds = nan", "no time to work in"),
        ("[due]\nps1 = 2026-11-01", "a due date of ps1 but no time zone; add one, as in time_zone"),
        ('[due]\nps1 = "1 Nov"', "without quotation marks"),
        ('roster = "none.csv"', "expected the roster that course.toml names"),
        ('roster = "bad.csv"', "found the columns student, name"),
        ('roster = "twice.csv"', "found 'ann' twice"),
        ('roster = "up.csv"', "found '../bob', which cannot be the name"),
        ("[due]\nps9 = 2026-11-01T12:00:00Z", "a due date of ps9, which is none of ps1, ps2"),
        ('roster = "."', "expected a list of students, found a folder"),
    ],
)
def test_wrong_settings_are_one_sentence(course, text, told):
    (course / "up.csv").write_text("id\n../bob\n")
    (course / "bad.csv").write_text("student,name\n")
    (course / "twice.csv").write_text("id\nann\nbob\nann\n")
    (course / "course.toml").write_text(text)
    with pytest.raises((FileError, FileNotFoundError)) as error:
        settings.read(course)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_who_is_a_student(tmp_path):
    for name in ("ann", "Zoë O'Neill", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / "submitted" / name).mkdir(parents=True)
    (tmp_path / "submitted" / "notes.txt").write_text("")
    (tmp_path / "submitted" / "link").symlink_to(tmp_path)
    assert people.students(tmp_path, None) == ["Zoë O'Neill", "ann"]
    assert people.students(tmp_path, ["bob", "ann"]) == ["Zoë O'Neill", "ann", "bob"]
    assert people.students(tmp_path / "nowhere", None) == []


def test_when_it_was_handed_in(tmp_path):
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")
    import os

    assert people.handed_in(tmp_path) == (None, [])
    (tmp_path / "a.ipynb").write_text("")
    os.utime(tmp_path / "a.ipynb", (WHEN.timestamp(), WHEN.timestamp()))
    assert people.handed_in(tmp_path) == (WHEN, [])
    stamp = tmp_path / "timestamp.txt"
    stamp.write_text("2026-11-02 12:30:00.5 Europe/Berlin\n")
    assert people.handed_in(tmp_path)[0].isoformat() == "2026-11-02T11:30:00.500000+00:00"
    stamp.write_text("yesterday \x1b[2J")
    when, remarks = people.handed_in(tmp_path)
    assert when == WHEN
    assert remarks == [
        r"timestamp.txt says 'yesterday \x1b[2J', so the time of the newest file is shown"
    ]
