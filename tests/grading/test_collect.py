"""What Moodle and Canvas give a teacher ends up in the right folders, and nothing is lost."""

import datetime as dt
import json
import os
import stat
import struct
import zipfile
from zoneinfo import ZoneInfo

import pytest
from plausible import FILE, NAME

from dlcourse.grading import collect as collecting
from dlcourse.grading.collect import collect, student_id
from dlcourse.grading.notebooks import Unreadable
from dlcourse.grading.submission import read

MONDAY = (2026, 11, 2, 10, 0, 0)
TUESDAY = (2026, 11, 3, 10, 0, 0)
MOODLE = "{}_{}_assignsubmission_file/{}"


def notebook(source):
    return json.dumps({"cells": [{"cell_type": "code", "source": source, "metadata": {}}]})


@pytest.fixture
def course(tmp_path):
    (tmp_path / "course" / "source" / NAME).mkdir(parents=True)
    (tmp_path / "course" / "source" / "ps2-history").mkdir()
    return tmp_path / "course"


@pytest.fixture
def archive(tmp_path):
    """Return a function that makes an archive: {name: text or (text, time)}."""

    def make(files, name="all.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as opened:
            for member, content in files.items():
                text, when = (content, MONDAY) if isinstance(content, str) else content
                info = zipfile.ZipInfo(member, when)
                opened.writestr(info, notebook(text) if member.endswith(".ipynb") else text)
        return tmp_path / name

    return make


def files(course):
    """Return all files with their contents, but for the times at which they were made."""
    return {
        path.relative_to(course).as_posix(): path.read_bytes()
        for path in sorted(course.rglob("*"))
        if path.is_file()
    }


def cells(course, student, assignment=NAME):
    folder = course / "submitted" / student / assignment
    return [cell.source for cell in read(folder, assignment).cells]


def told(done):
    return {one.member: (one.status, one.student) for one in done}


def test_moodle(archive, course):
    source = archive(
        {
            MOODLE.format("Ana Müller", 123456, FILE): "ana",
            MOODLE.format("Bo O'Li_x", 123457, "ps1-deeper (1).ipynb"): "bo",
            "Cy_123458_assignsubmission_file_/inside/mine.ipynb": "cy",
            f"Di_123459_assignsubmission_file_{FILE}": "di",
            "Ed_123460_assignsubmission_onlinetext/onlinetext.html": "typed",
            MOODLE.format("Ana Müller", 123456, "__MACOSX/._a"): "left",
        }
    )
    done = collect(source, course, NAME, zone=ZoneInfo("Europe/Berlin"))
    assert cells(course, "Ana Müller") == ["ana"]
    assert cells(course, "Bo O'Li_x") == ["bo"]
    assert cells(course, "Cy") == ["cy"]
    assert cells(course, "Di") == ["di"]
    assert sorted(os.listdir(course / "submitted")) == ["Ana Müller", "Bo O'Li_x", "Cy", "Di"]
    assert [one.reason for one in done if one.status == "not used"] == [
        "systems and editors leave such files behind",
        "it was typed into Moodle's form; a person must read it",
    ]
    first = next(one for one in done if one.student == "Ana Müller")
    assert first.handed_in == dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
    assert first.path == course / "submitted" / "Ana Müller" / NAME / FILE
    stamp = (first.path.parent / "timestamp.txt").read_text()
    assert stamp == "2026-11-02 09:00:00.000000 UTC\n"
    record = json.loads((first.path.parent / "collected.json").read_text())
    assert (record["system"], record["id"], record["late"]) == ("moodle", "123456", False)
    assert not list(course.glob(".collecting*"))


def test_nbgrader_reads_the_time(archive, course):
    utils = pytest.importorskip("nbgrader.utils", reason="`make grading` installs nbgrader")
    collect(archive({f"ann/{FILE}": "1"}), course, NAME)
    stamp = (course / "submitted" / "ann" / NAME / "timestamp.txt").read_text().strip()
    assert utils.parse_utc(stamp) == dt.datetime(*MONDAY)


def test_canvas(archive, course):
    source = archive(
        {
            "mullerana_12345_678901_ps1-deeper.ipynb": "old",
            "mullerana_12345_678955_ps1-deeper-2.ipynb": ("newest", TUESDAY),
            "mullerana_12345_678933_ps1-deeper-1.ipynb": "newer",
            "mullerana_12345_678956_my_1_2_helper.py": "x = 1",
            "libo_LATE_12346_678902_ps1-deeper-1.ipynb": "bo",
            "cy_12347_678903_part-2.ipynb": "cy",
        }
    )
    for again in (False, True):
        done = collect(source, course, NAME)
        assert cells(course, "mullerana") == ["newest"]
        assert cells(course, "libo") == ["bo"]
        folder = course / "submitted" / "mullerana" / NAME
        assert (folder / "my_1_2_helper.py").read_text() == "x = 1"
        assert (course / "submitted" / "cy" / NAME / "part-2.ipynb").is_file()
        assert [one.student for one in done if one.late] == ["libo"]
        aside = files(course / "earlier")
        assert sorted(v for k, v in aside.items() if k.endswith(FILE)) == sorted(
            notebook(text).encode() for text in ("old", "newer")
        )
        assert ({one.status for one in done} == {"unchanged"}) == again


def test_folders(tmp_path, course):
    source = tmp_path / "from"
    for path in (
        f"ann/{FILE}",
        f"ben/{NAME}/{FILE}",
        "cy/ps2-history/ps2-history.ipynb",
        "loose.txt",
    ):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(notebook(path))
        os.utime(source / path, (1_000_000_000, 1_000_000_000))
    (source / "ann" / ".DS_Store").write_bytes(b"")
    (source / "di").symlink_to(source / "ann", target_is_directory=True)
    done = collect(source, course, NAME)
    assert told(done) == {
        f"ann/{FILE}": ("collected", "ann"),
        f"ben/{NAME}/{FILE}": ("collected", "ben"),
        "cy/ps2-history/ps2-history.ipynb": ("not used", ""),
        "di": ("not used", ""),
        "loose.txt": ("not used", ""),
    }
    reasons = {one.member: one.reason for one in done}
    assert reasons["cy/ps2-history/ps2-history.ipynb"] == "it belongs to ps2-history"
    assert "is a link, which is not followed" in reasons["di"]
    assert reasons["loose.txt"].startswith("nothing in its name says whose it is; put it into")
    assert done[-1].handed_in == dt.datetime.fromtimestamp(1_000_000_000, dt.UTC)


@pytest.mark.parametrize(
    ("paths", "students"),
    [
        ([f"Course 7/ann/{FILE}", f"Course 7/ben/x/{FILE}"], ["ann", "ben"]),
        ([f"ann/{FILE}"], ["ann"]),
        ([f"ann/{NAME}/{FILE}"], ["ann"]),
        ([f"Course 7/{MOODLE.format('Ann', 1, FILE)}"], ["Ann"]),
        ([MOODLE.format("Ann", 1, f"x/{FILE}")], ["Ann"]),
        ([f"submissions/ann_1_2_{FILE}", f"submissions/ben_3_4_{FILE}"], ["ann", "ben"]),
        # Nobody hands in for others.
        ([MOODLE.format("Ann", 1, MOODLE.format("Ben", 2, FILE)), f"cy/{FILE}"], ["Ann", "cy"]),
        ([f"ann/ben_3_4_{FILE}", f"cy/{MOODLE.format('Ben', 2, FILE)}"], ["ann", "cy"]),
    ],
)
def test_whose_it_is(archive, course, paths, students):
    collect(archive(dict.fromkeys(paths, "1")), course, NAME)
    assert sorted(os.listdir(course / "submitted")) == students


def test_the_newest_counts_and_nothing_is_lost(archive, course):
    old = archive({f"ann/{FILE}": "old", "ann/other.py": "x"}, "old.zip")
    new = archive({f"ann/{FILE}": ("new", TUESDAY)}, "new.zip")
    assert set(told(collect(old, course, NAME)).values()) == {("collected", "ann")}
    assert told(collect(new, course, NAME)) == {f"ann/{FILE}": ("collected", "ann")}
    assert os.listdir(course / "earlier" / NAME / "ann") == ["2026-11-02T100000Z"]
    before = files(course)
    for source in (old, new, old):
        assert {one.status for one in collect(source, course, NAME)} == {"unchanged"}
        assert files(course) == before
    assert cells(course, "ann") == ["new"]


def test_in_the_other_order_it_is_the_same(archive, course):
    new = archive({f"ann/{FILE}": ("new", TUESDAY)}, "new.zip")
    old = archive({f"ann/{FILE}": "old"}, "old.zip")
    collect(new, course, NAME)
    (one,) = collect(old, course, NAME)
    assert one.status == "kept aside"
    assert one.path == course / "earlier" / NAME / "ann" / "2026-11-02T100000Z" / FILE
    assert {x.status for x in collect(old, course, NAME)} == {"unchanged"}
    assert cells(course, "ann") == ["new"]


def test_an_old_answer_handed_in_again_counts(archive, course):
    for text, when in (("a", MONDAY), ("b", TUESDAY), ("a", (2026, 11, 4, 0, 0, 0))):
        collect(archive({f"ann/{FILE}": (text, when)}), course, NAME)
    assert cells(course, "ann") == ["a"]
    assert len(os.listdir(course / "earlier" / NAME / "ann")) == 2


def test_what_a_teacher_put_there_by_hand_is_kept(archive, course):
    folder = course / "submitted" / "ann" / NAME
    folder.mkdir(parents=True)
    (folder / "by hand.ipynb").write_text(notebook("mine"))
    os.utime(folder / "by hand.ipynb", (0, 0))
    collect(archive({f"ann/{FILE}": "1"}), course, NAME)
    assert cells(course, "ann") == ["1"]
    assert len(list((course / "earlier").rglob("by hand.ipynb"))) == 1


def test_two_people_of_one_name_are_two(archive, course):
    source = archive({MOODLE.format("Ana", n, FILE): str(n) for n in (7, 8)})
    collect(source, course, NAME)
    assert cells(course, "Ana_7") == ["7"]
    assert cells(course, "Ana_8") == ["8"]


def test_names_that_look_the_same_are_one(archive, course):
    (course / "submitted" / "Jose\u0301").mkdir(parents=True)
    collect(archive({f"Jos\u00e9/{FILE}": "1"}), course, NAME)
    assert os.listdir(course / "submitted") == ["Jose\u0301"]


def test_names_of_people():
    for name in ("Łukasz Żółć", "山田太郎", "o'brien", "s1@uni.example", "Ann Smith", "Ann+Ben"):
        assert student_id(name) == name
    for name in ("..", ".", "", " ", "/", "../x", "a\x1b[2J\nb", "a\\b", "*", ".hidden", "\udcff"):
        made = student_id(name)
        assert made.isprintable() and made.strip(" .") == made and made
        assert not set(made) & set("/\\*?[]:")
    long = {student_id("山" * 119 + end) for end in "ab"}
    assert len(long) == 2
    assert all(len(name.encode()) < 255 for name in long)


def test_what_a_learner_may_not_say(archive, course):
    source = archive(
        {
            f"ann/{FILE}": "1",
            "ann/timestamp.txt": "2001-01-01 00:00:00 UTC",
            "ann/Collected.json": "{}",
            "ann/timestamp.txt/x": "2",
        }
    )
    done = collect(source, course, NAME)
    assert [one.status for one in done].count("not used") == 3
    stamp = (course / "submitted" / "ann" / NAME / "timestamp.txt").read_text()
    assert stamp.startswith("2026-11-02")


def test_what_does_not_stay_within_is_refused(archive, course, tmp_path):
    before = sorted(os.listdir(tmp_path))
    source = archive({"../up.ipynb": "1", "/ann/a.ipynb": "2", "ann/../../b.ipynb": "3"})
    with zipfile.ZipFile(source, "a") as opened:
        link = zipfile.ZipInfo(f"ben/{FILE}")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
        opened.writestr("cy/a\x1b[2J\n.ipynb", notebook("cy"))
        opened.writestr("cy/a\\b.ipynb", notebook("cy"))
    done = collect(source, course, NAME)
    assert [one.status for one in done].count("not used") == 4
    assert all(one.reason for one in done if one.status == "not used")
    assert "cy/a\\x1b[2J .ipynb" in told(done)
    assert os.listdir(course / "submitted") == ["cy"]
    assert sorted(os.listdir(tmp_path)) == sorted([*before, source.name])
    assert all(name.isprintable() for name in files(course))


def test_one_bad_file_does_not_stop_the_others(archive, course, monkeypatch):
    monkeypatch.setattr(collecting, "_MOST_OF_ONE", 1000)
    source = archive(
        {
            f"ann/{FILE}": "ann",
            "ann/z.txt": "x" * 2000,
            f"ben/{FILE}": "ben",
            "cy/a": "1",
            "cy/a/b": "2",
        }
    )
    data = source.read_bytes().replace(notebook("ben").encode(), notebook("bEn").encode())
    source.write_bytes(data)
    done = {one.member: (one.status, one.reason) for one in collect(source, course, NAME)}
    assert done[f"ann/{FILE}"] == ("collected", "")
    assert done["ann/z.txt"][1].startswith("it is more than")
    assert done[f"ben/{FILE}"] == ("not used", "it is damaged; ask for it again")
    assert done["cy/a"][0] == "collected"
    assert done["cy/a/b"][0] == "not used"


def test_times_in_an_archive(tmp_path, course):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        exact = zipfile.ZipInfo(f"ann/{FILE}", MONDAY)
        exact.extra = struct.pack("<HHBi", 0x5455, 5, 1, 1_000_000_000)
        opened.writestr(exact, "1")
        opened.writestr(zipfile.ZipInfo(f"ben/{FILE}", (1980, 0, 0, 0, 0, 0)), "1")
    done = {one.student: one.handed_in for one in collect(tmp_path / "a.zip", course, NAME)}
    assert done["ann"] == dt.datetime.fromtimestamp(1_000_000_000, dt.UTC)
    assert done["ben"] == dt.datetime.fromtimestamp(
        int((tmp_path / "a.zip").stat().st_mtime), dt.UTC
    )


def test_names_in_utf_8_without_a_mark(archive, course):
    source = archive({MOODLE.format("Ana Müller", 1, FILE): "1"})
    data = bytearray(source.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(mark) + place
        data[at : at + 2] = bytes(2)
    source.write_bytes(bytes(data))
    collect(source, course, NAME)
    assert os.listdir(course / "submitted") == ["Ana Müller"]


def test_what_is_no_archive_is_told(tmp_path, course):
    with pytest.raises(Unreadable, match="there is no such file or folder; check the name"):
        collect(tmp_path / "none.zip", course, NAME)
    (tmp_path / "a.zip").write_text("no")
    with pytest.raises(Unreadable, match=r"a\.zip is a damaged zip archive, or none"):
        collect(tmp_path / "a.zip", course, NAME)


def test_a_run_that_was_killed_is_repeated(archive, course, monkeypatch):
    source = archive({f"{name}/{FILE}": (name, TUESDAY) for name in ("ann", "ben")}, "new.zip")
    collect(archive({f"ann/{FILE}": "old"}, "old.zip"), course, NAME)
    real = collecting.Path.rename
    for dying in range(1, 4):  # at each move of a folder
        calls = []

        def rename(self, target, dying=dying, calls=calls):
            calls.append(target)
            if len(calls) == dying:
                raise KeyboardInterrupt
            return real(self, target)

        monkeypatch.setattr(collecting.Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            collect(source, course, NAME)
            raise KeyboardInterrupt  # nothing was left to move
    monkeypatch.setattr(collecting.Path, "rename", real)
    collect(source, course, NAME)
    assert cells(course, "ann") == ["ann"]
    assert cells(course, "ben") == ["ben"]
    kept = [v for k, v in files(course / "earlier").items() if k.endswith(FILE)]
    assert kept == [notebook("old").encode()]
