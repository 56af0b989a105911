"""What a teacher sets for a course in `course.toml`, beside `source` and `submitted`.

All of it may be left out::

    time_zone = "Europe/Berlin"   # of the dates here, and of the times in the marks
    roster = "students.csv"       # who takes part: the column `id`, as nbgrader imports students
    test_seconds = 120            # that one test may take
    job_minutes = 30              # that one submission may take

    [due]
    ps1-deeper = 2026-11-30                 # until the end of that day
    ps2-history = 2026-12-14T12:00:00
"""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dlcourse.files import Found, reading
from dlcourse.grading.inert import strange

FILE = "course.toml"
_REMEDY = "correct it; the guide for teachers shows an example"
_EXAMPLE = 'time_zone = "Europe/Berlin"'
_KNOWN = {
    "time_zone": str,
    "roster": str,
    "test_seconds": (int, float),
    "job_minutes": (int, float),
    "due": dict,
}


@dataclass(frozen=True)
class Settings:
    """What `course.toml` says; these are the values if it says nothing."""

    time_zone: dt.tzinfo = dt.UTC
    roster: Mapping[str, Mapping[str, str]] | None = None  #: the columns of each student, by `id`
    due: Mapping[str, dt.datetime] = field(default_factory=dict)
    test_seconds: float = 120
    job_minutes: float = 30


def read(course: Path) -> Settings:
    """Read the settings of a course.

    Parameters
    ----------
    course : Path
        Its folder.

    Raises
    ------
    FileError
        If something in it cannot be: one sentence says what.
    """
    path = course / FILE
    if not path.exists():
        return Settings()
    with reading(path, "the settings of a course", _REMEDY):
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        for name, value in found.items():
            if name not in _KNOWN:
                raise Found(f"{name!r}, which is none of {', '.join(_KNOWN)}")
            if not isinstance(value, _KNOWN[name]) or isinstance(value, bool):  # type: ignore[arg-type]
                raise Found(f"{name} = {value!r}")
        numbers = {name: found[name] for name in ("test_seconds", "job_minutes") if name in found}
        for name, number in numbers.items():
            if not 0 < number < 100_000:
                raise Found(f"{name} = {number!r}, which is no time to work in")
        zone = _zone(found.get("time_zone"))
        dates = found.get("due", {})
        known = sorted(path.name for path in (course / "source").glob("*"))
        if unknown := sorted(set(dates) - set(known)):
            raise Found(f"a due date of {unknown[0]}, which is none of {', '.join(known)}")
        due = {name: _due(name, date, zone) for name, date in dates.items()}
    listed = _roster(course / found["roster"]) if "roster" in found else None
    return Settings(zone or dt.UTC, listed, due, **numbers)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # it is not known, no name, or a folder
        raise Found(
            f"time_zone = {name!r}, which this machine does not know (Windows: pip install tzdata)"
        ) from None


def _due(name: str, date: Any, zone: ZoneInfo | None) -> dt.datetime:
    if isinstance(date, dt.date) and not isinstance(date, dt.datetime):
        date = dt.datetime.combine(date, dt.time(23, 59, 59))
    if not isinstance(date, dt.datetime):
        raise Found(f"{date!r} as the due date of {name}; write a date without quotation marks")
    if date.tzinfo is not None:
        return date
    if zone is None:
        raise Found(f"a due date of {name} but no time zone; add one, as in {_EXAMPLE}")
    return date.replace(tzinfo=zone)


def _roster(path: Path) -> dict[str, dict[str, str]]:
    missing = f"{path}: expected the roster that {FILE} names, found no such file; correct the name"
    with reading(path, "a list of students", "write a CSV with a column id", missing=missing):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or ()
            if "id" not in columns:
                raise Found(f"the columns {', '.join(columns) or 'of an empty file'}")
            listed = [{name: (row[name] or "").strip() for name in columns} for row in rows]
        found: dict[str, dict[str, str]] = {}
        for row in filter(lambda row: row["id"], listed):
            name = row["id"]
            if name in found:
                raise Found(f"{name!r} twice")
            if strange(name) or name.startswith(".") or "/" in name:
                raise Found(f"{name!r}, which cannot be the name of a folder here")
            found[name] = row
    return found
