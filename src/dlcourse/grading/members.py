"""The files in a folder or a zip archive of others: named, bounded, and none followed elsewhere."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlcourse.grading.notebooks import MOST_BYTES, Unreadable

#: How many folders may lie in one another, and how many files are looked at.
_DEEPEST, _MOST_FILES = 12, 20_000
_LEFT_BEHIND = {"__macosx", "thumbs.db", "desktop.ini", "__pycache__"}
_DRIVE = re.compile("[A-Za-z]:")


@dataclass(frozen=True)
class Member:
    """A file.

    Attributes
    ----------
    name : str
        Its path from the folder or the archive, with ``/``.
    date : datetime or None
        When it was changed, without a time zone if the archive names none.
    refused : str
        Why it is not read, "" if it can be.
    read : callable
        Returns its bytes, or raises `Unreadable`.
    """

    name: str
    date: dt.datetime | None
    refused: str
    read: Callable[[], bytes]


def left_behind(name: str) -> bool:
    """Return whether a path is what systems and editors leave behind, as hidden files are.

    Examples
    --------
    >>> [left_behind(x) for x in ("a/._b.ipynb", "__MACOSX/c", "b/c.ipynb")]
    [True, True, False]
    """
    return any(part.startswith(".") or part.lower() in _LEFT_BEHIND for part in name.split("/"))


def in_folder(folder: Path, most: int = _MOST_FILES) -> list[Member]:
    """Return the files below a folder in the order of their names; links are refused.

    Raises
    ------
    Unreadable
        If there are more than `most`.
    """
    found = []
    for member in _below(folder, "", 0):
        found.append(member)
        if len(found) > most:
            raise Unreadable(f"there are more than {most} files; ask for the notebook alone")
    return found


def in_zip(archive: Path | bytes, most: int = _MOST_FILES) -> list[Member]:
    """Return the files of a zip archive in the order of their names.

    Paths upwards, links and what is encrypted or too large are refused, each for itself.

    Raises
    ------
    Unreadable
        If it is no zip archive, or has more than `most` members; the text goes on from its name.
    """
    if isinstance(archive, bytes) and archive.count(b"PK\1\2") > most:
        raise Unreadable(f"has more than {most} files in it; ask for the notebook alone")
    try:
        opened = zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive)
    except (zipfile.BadZipFile, ValueError, struct.error, EOFError):
        raise Unreadable("is a damaged zip archive, or none; ask for it again") from None
    members = [_in(opened, info) for info in opened.infolist() if not info.is_dir()]
    return sorted(members, key=lambda member: member.name)


def _below(folder: Path, above: str, depth: int) -> Iterator[Member]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = above + entry.name
            if left_behind(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < _DEEPEST:
                    yield from _below(Path(entry.path), f"{name}/", depth + 1)
                continue
            status = entry.stat(follow_symlinks=False)
            refused = ""
            if entry.is_symlink():
                refused = "is a link, which is not followed; ask for the file itself"
            elif not stat.S_ISREG(status.st_mode):
                refused = "is no plain file; ask for the notebook"
            elif status.st_size > MOST_BYTES:
                refused = _too_large()
            date = dt.datetime.fromtimestamp(int(status.st_mtime), dt.UTC)
            yield Member(name, date, refused, _reads(Path(entry.path)))


def _reads(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        # It may have become something else since we looked.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise Unreadable(f"cannot be read ({error.strerror}); look at its rights") from None
        return _bounded(data)

    return read


def _in(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.filename
    if not info.flag_bits & 0x800:  # archivers write UTF-8 without saying so
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    parts = name.replace("\\", "/").split("/")
    mode = info.external_attr >> 16
    refused = ""
    if {"", ".", ".."} & set(parts) or _DRIVE.match(name):
        refused = "has a path that leads elsewhere; ask for it again"
    elif len(parts) > _DEEPEST:
        refused = "lies too deep in folders; ask for the notebook alone"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        refused = "is a link or no plain file, which is not followed; ask for the file itself"
    elif info.flag_bits & 1:
        refused = "is encrypted; ask for it without a password"
    elif info.file_size > MOST_BYTES:
        refused = _too_large()

    def read() -> bytes:
        try:
            with opened.open(info) as file:
                return _bounded(file.read(MOST_BYTES + 1))
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
            raise Unreadable("is damaged; ask for it again") from None
        except (NotImplementedError, struct.error):
            raise Unreadable("is packed in a way that is not known here; use zip") from None

    return Member("/".join(parts), _date(info), refused, read)


def _date(info: zipfile.ZipInfo) -> dt.datetime | None:
    """Return when a member was changed: in UTC if the archive says so, else local time."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return dt.datetime.fromtimestamp(struct.unpack_from("<i", extra, 5)[0], dt.UTC)
        extra = extra[4 + size :]
    try:
        return dt.datetime(*info.date_time)
    except ValueError:  # as in an archive that sets none
        return None


def _bounded(data: bytes) -> bytes:
    if len(data) > MOST_BYTES:
        raise Unreadable(_too_large())
    return data


def _too_large() -> str:
    return f"is larger than {MOST_BYTES >> 20} MB; ask for it without outputs"
