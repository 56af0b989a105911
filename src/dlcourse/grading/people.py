"""Who is in the class, and when each handed in."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection
from pathlib import Path

#: What archives and file managers leave behind, beside whatever begins with a dot.
_NO_STUDENTS = {"__MACOSX", "lost+found", "$RECYCLE.BIN", "System Volume Information"}
_STAMP = "timestamp.txt"


def students(course: Path, roster: Collection[str] | None) -> list[str]:
    """Return the names of all who are in the roster or have a folder in `submitted`, in order.

    Parameters
    ----------
    course : Path
        The folder of the course.
    roster : collection of str or None
        Who should be there.
    """
    submitted = course / "submitted"
    folders = {
        entry.name
        for entry in (os.scandir(submitted) if submitted.is_dir() else ())
        if entry.is_dir(follow_symlinks=False)
        and not entry.name.startswith(".")
        and entry.name not in _NO_STUDENTS
    }
    return sorted(folders | set(roster or ()))


def handed_in(folder: Path) -> tuple[dt.datetime | None, list[str]]:
    """Return when something was handed in, and what there is to say about it.

    That is what `timestamp.txt` says, which nbgrader and `make collect` write; without it, the time
    of the newest file.

    Parameters
    ----------
    folder : Path
        ``submitted/STUDENT/ASSIGNMENT``.
    """
    remarks = []
    stamp = folder / _STAMP
    if stamp.is_file() and not stamp.is_symlink():
        from nbgrader.utils import parse_utc  # which takes a second to import

        with stamp.open("rb") as file:
            text = file.read(100).decode(errors="replace").strip()
        try:
            return parse_utc(text).replace(tzinfo=dt.UTC), []
        except Exception:  # whatever is written there
            remarks.append(f"{_STAMP} says {text!r}, so the time of the newest file is shown")
    times = [
        os.lstat(os.path.join(where, name)).st_mtime
        for where, _, names in os.walk(folder)
        for name in names
        if name != _STAMP
    ]
    return (dt.datetime.fromtimestamp(max(times), dt.UTC) if times else None), remarks
