"""Sort what Moodle or Canvas gives a teacher into the folders of the course.

What is understood, as a zip archive or as a folder:

- Moodle: ``Ana Müller_123456_assignsubmission_file/ps1-deeper.ipynb``, or without folders
  ``Ana Müller_123456_assignsubmission_file_ps1-deeper.ipynb``;
- Canvas: ``mullerana_LATE_12345_678901_ps1-deeper-1.ipynb``, where ``-1`` is a second hand-in;
- a folder for each student: ``ana/ps1-deeper.ipynb`` or ``ana/ps1-deeper/ps1-deeper.ipynb``.

Files go to ``submitted/STUDENT/ASSIGNMENT``, with two of our own: ``timestamp.txt``, which
nbgrader reads, and ``collected.json``, which says where they come from. If a student has handed in
before, the newest counts; the other lies in ``earlier/ASSIGNMENT/STUDENT/TIME``. Nothing is lost,
and collecting the same again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlcourse.files import FileError, locked, read_json, write_json
from dlcourse.grading.members import Member, in_folder, in_zip, left_behind
from dlcourse.grading.notebooks import Unreadable
from dlcourse.grading.submission import RECORD, STAMP, shown

_FORMAT, _NEW = "dlcourse collected 1", ".collecting"
_MOST_MEMBERS, _MOST_OF_ONE, _LONGEST = 100_000, 256 * 2**20, 200

_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)")
_CANVAS = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)")
_AGAIN = re.compile(r"(.+)-(\d+)(\.\w+)")
#: What some system takes for more than a letter of a name, and what nbgrader takes for a pattern.
_NO_LETTER = re.compile(r'[\x00-\x1f\x7f-\x9f*?\[\]<>:"|\\/\ud800-\udfff]')


@dataclass(frozen=True)
class Collected:
    """What was done with a file.

    Attributes
    ----------
    member : str
        Its name in the archive, as it may be printed.
    status : str
        ``collected``, ``unchanged`` (it was there already), ``kept aside`` (a newer one counts) or
        ``not used``.
    student : str
        Whose it is, "" if that cannot be told.
    reason : str
        Why it is not used.
    handed_in : datetime or None
        When, in UTC.
    late : bool
        Whether Canvas says that it is late.
    path : Path or None
        Where it lies now.
    """

    member: str
    status: str
    student: str = ""
    reason: str = ""
    handed_in: dt.datetime | None = None
    late: bool = False
    path: Path | None = None


@dataclass(frozen=True)
class _File:
    """A file of somebody's, and the number of the hand-in, which only Canvas tells."""

    member: Member
    system: str
    name: str
    number: str
    file: str
    late: bool = False
    again: int = 0


def collect(
    source: Path, course: Path, assignment: str, *, zone: dt.tzinfo = dt.UTC
) -> list[Collected]:
    """Sort an archive or a folder into ``submitted``, and say what was done with each file.

    Parameters
    ----------
    source : Path
        A zip archive or a folder.
    course : Path
        The folder of the course.
    assignment : str
        What was handed in.
    zone : tzinfo
        Of the times in an archive that names no zone.

    Raises
    ------
    Unreadable
        If `source` is neither.
    BlockingIOError
        If another process is collecting.
    """
    if not source.exists():
        raise Unreadable(f"{source}: there is no such file or folder; check the name")
    try:
        if source.is_dir():
            members = in_folder(source, _MOST_MEMBERS)
        else:
            members = in_zip(source, _MOST_MEMBERS)
    except Unreadable as reason:
        raise Unreadable(f"{source} {reason}") from None
    done: list[Collected] = []
    found: list[_File] = []
    above = _common_folder(members, assignment)
    for member in members:
        file = _recognized(member, member.name[len(above) :], course, assignment)
        if isinstance(file, _File):
            found.append(file)
        else:
            done.append(Collected(shown(member.name), "not used", reason=file))
    with locked(course / ".collecting.lock"):
        # On another system the same name may have been written with other code points.
        there = {student_id(path.name): path.name for path in (course / "submitted").glob("*")}
        for student, files in _by_student(found):
            for hand_in in _by_hand_in(files, assignment):
                name = there.get(student, student)
                done += _put(name, hand_in, source, course, assignment, zone)
        shutil.rmtree(course / _NEW, ignore_errors=True)
    return done


def _common_folder(members: list[Member], assignment: str) -> str:
    """Return the one folder that all lies in, with a slash, unless it is a student's."""
    paths = [member.name.split("/") for member in members if not left_behind(member.name)]
    tops = {path[0] for path in paths}
    inside = {path[1] for path in paths if len(path) > 2}
    if len(tops) != 1 or _MOODLE.fullmatch(top := tops.pop()) or inside == {assignment}:
        return ""
    alike = all(_MOODLE.fullmatch(path[-1]) or _CANVAS.fullmatch(path[-1]) for path in paths)
    return f"{top}/" if alike or all(len(path) > 2 for path in paths) else ""


def _recognized(member: Member, name: str, course: Path, assignment: str) -> _File | str:
    """Return whose a file is, or why it is not used."""
    if left_behind(member.name):
        return "systems and editors leave such files behind"
    if member.refused:
        return f"it {member.refused}"
    first, *inside = name.split("/")
    moodle, canvas = _MOODLE.fullmatch(first), None if inside else _CANVAS.fullmatch(first)
    if moodle:
        if moodle["kind"] != "file":
            return "it was typed into Moodle's form; a person must read it"
        inside = [part for part in (moodle["file"], *inside) if part]
        file = _File(member, "moodle", moodle["name"], moodle["id"], "")
    elif canvas:
        inside = [canvas["file"]]
        late = canvas["late"] is not None
        file = _File(member, "canvas", canvas["name"], canvas["id"], "", late)
    else:
        file = _File(member, "folders", first, "", "")
        if inside[1:] and inside[0] == assignment:
            del inside[0]
        elif inside[1:] and (course / "source" / inside[0]).is_dir():
            return f"it belongs to {shown(inside[0])}"
    if not inside:
        return "nothing in its name says whose it is; put it into a folder with the student's name"
    if inside[0].lower() in (RECORD, STAMP):
        return "when something was handed in is not for the learner to say"
    return replace(file, file="/".join(_NO_LETTER.sub("_", part) for part in inside))


def _by_student(found: list[_File]) -> list[tuple[str, list[_File]]]:
    """Return the files of each student; of two with one name each gets their number as well."""
    students: dict[str, dict[str, list[_File]]] = defaultdict(lambda: defaultdict(list))
    for file in found:
        students[student_id(file.name)][file.number].append(file)
    return [
        (name if len(numbers) == 1 else student_id(f"{name}_{number}"), files)
        for name, numbers in sorted(students.items())
        for number, files in sorted(numbers.items())
    ]


def student_id(name: str) -> str:
    """Return a name as nbgrader and all file systems take it.

    Examples
    --------
    >>> student_id("Ana Mu\u0308ller"), student_id(".."), student_id("a/b*")
    ('Ana M\xfcller', '_', 'a_b_')
    """
    name = _NO_LETTER.sub("_", unicodedata.normalize("NFC", name)).strip()
    if name.strip(". ") != name or not name:
        name = f"{name.strip('. ')}_"
    if len(name.encode()) > _LONGEST:
        short = name.encode()[:_LONGEST].decode(errors="ignore")
        name = f"{short}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name


def _by_hand_in(files: list[_File], assignment: str) -> list[list[_File]]:
    """Return what was handed in at once, the newest last: Canvas appends -1, -2 to names."""
    names = {file.file for file in files}
    numbered: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        again = _AGAIN.fullmatch(file.file) if file.system == "canvas" else None
        if again and (again[1] == assignment or again[1] + again[3] in names):
            file = replace(file, file=again[1] + again[3], again=int(again[2]))
        numbered[file.file].append(file)
    newest = []
    replaced = []
    for same in numbered.values():
        *before, last = sorted(same, key=lambda file: file.again)
        replaced += [[file] for file in before]
        newest.append(last)
    return [*replaced, newest]


def _put(
    student: str, files: list[_File], source: Path, course: Path, assignment: str, zone: dt.tzinfo
) -> list[Collected]:
    """Put one hand-in where it belongs."""
    done = []
    used: dict[str, _File] = {}
    new = course / _NEW
    shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
    digest, room = hashlib.sha256(), _MOST_OF_ONE
    for file in sorted(files, key=lambda file: file.file):
        try:
            if file.file in used:
                raise Unreadable("has the same name as another file")
            data = file.member.read()
            room -= len(data)
            if room < 0:
                raise Unreadable(f"is more than {_MOST_OF_ONE >> 20} MB with the others")
            path = new / file.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (Unreadable, OSError) as reason:
            why = reason.strerror if isinstance(reason, OSError) else reason
            name = shown(file.member.name)
            done.append(Collected(name, "not used", student, f"it {why}"))
            continue
        used[file.file] = file
        digest.update(f"{len(file.file.encode())} {len(data)} {file.file}".encode() + data)
    if not used:
        return done
    late = any(file.late for file in used.values())
    when = max(_time(file.member, source, zone) for file in used.values())
    first = next(iter(used.values()))
    record = {
        "format": _FORMAT,
        "from": source.name,
        "system": first.system,
        "name": first.name,
        "id": first.number,
        "files": {name: file.member.name for name, file in used.items()},
        "handed_in": when.isoformat(),
        "late": late,
        "sha256": digest.hexdigest(),
    }
    write_json(new / RECORD, record)
    (new / STAMP).write_text(f"{when:%Y-%m-%d %H:%M:%S.%f} UTC\n", encoding="utf-8")
    status, place = _settle(new, record, when, course, student, assignment)
    return done + [
        Collected(shown(f.member.name), status, student, "", when, late, place / name)
        for name, f in used.items()
    ]


def _settle(
    new: Path,
    record: dict[str, Any],
    when: dt.datetime,
    course: Path,
    student: str,
    assignment: str,
) -> tuple[str, Path]:
    """Move a hand-in to its place, unless it is there already or a newer one is."""
    target = course / "submitted" / student / assignment
    aside = course / "earlier" / assignment / student
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in aside.glob("*"):
        old = _record(folder)
        if all(old.get(key) == record[key] for key in ("sha256", "handed_in")):
            return "unchanged", folder
    if target.exists():
        old = _record(target)
        if old.get("sha256") == record["sha256"]:
            return "unchanged", target
        before = _handed_in(old, target)
        if before > when:
            return "kept aside", _keep(new, aside, when)
        _keep(target, aside, before)
    new.rename(target)
    return "collected", target


def _keep(folder: Path, aside: Path, when: dt.datetime) -> Path:
    """Move a hand-in that does not count any more to a place of its own."""
    aside.mkdir(parents=True, exist_ok=True)
    name = f"{when:%Y-%m-%dT%H%M%SZ}"
    number = 1
    while (place := aside / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder.rename(place)


def _record(folder: Path) -> dict[str, Any]:
    """Return what we wrote about a hand-in, nothing if it was put there by hand."""
    try:
        found: dict[str, Any] = read_json(folder / RECORD)
    except (FileError, OSError):
        return {}
    return found if found.get("format") == _FORMAT else {}


def _handed_in(record: dict[str, Any], folder: Path) -> dt.datetime:
    if "handed_in" in record:
        return dt.datetime.fromisoformat(record["handed_in"])
    dates = [member.date for member in in_folder(folder) if member.date is not None]
    return max(dates, default=dt.datetime.fromtimestamp(0, dt.UTC))


def _time(member: Member, source: Path, zone: dt.tzinfo) -> dt.datetime:
    date = member.date or dt.datetime.fromtimestamp(int(source.stat().st_mtime), dt.UTC)
    return (date if date.tzinfo else date.replace(tzinfo=zone)).astimezone(dt.UTC)
