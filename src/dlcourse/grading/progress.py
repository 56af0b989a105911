"""How far a learner is in all assignments, kept on the learner's machine alone.

`dlcourse check` writes a file for each assignment, so that two checks at a time do not meet.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlcourse.files import Found, read_json, reading, user_data, write_json
from dlcourse.grading import outline, released

if TYPE_CHECKING:
    from dlcourse.grading.checkup import Checked

_FORMAT = "dlcourse progress 1"
_REMEDY = "check the notebook again, or erase what is kept with `dlcourse progress --forget`"


@dataclass(frozen=True)
class Standing:
    """How far an assignment is, by the visible tests of its last check."""

    assignment: str
    title: str
    tasks: dict[str, tuple[str, float, float]]  #: by name: title, points, and how many it can give
    checked: dt.datetime | None  #: None if it never was

    @property
    def points(self) -> float:
        """Of all tasks."""
        return sum(points for _, points, _ in self.tasks.values())

    @property
    def of(self) -> float:
        """The most that they can give."""
        return sum(of for _, _, of in self.tasks.values())

    @property
    def left(self) -> list[str]:
        """The titles of tasks that are not done, in order."""
        return [title for title, points, of in self.tasks.values() if points < of]


def folder() -> Path:
    """Return where it is kept.

    Examples
    --------
    >>> folder().name
    'progress'
    """
    return user_data() / "progress"


def keep(checked: Checked) -> None:
    """Keep what a check found, in place of what the one before it found.

    Parameters
    ----------
    checked : Checked
        The notebook.
    """
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    points = {row.name: row.points for row in checked.rows}
    record = {"format": _FORMAT, "checked": now, "points": points}
    write_json(folder() / f"{checked.assignment}.json", record)


def standings() -> list[Standing]:
    """Return how far all assignments are.

    Raises
    ------
    FileError
        If what is kept is damaged.
    """
    return [_standing(name) for name in released.names()]


def forget() -> bool:
    """Erase all of it; return whether there was anything."""
    if not folder().exists():
        return False
    shutil.rmtree(folder())
    return True


def _standing(name: str) -> Standing:
    path = folder() / f"{name}.json"
    points: dict[str, float] = {}
    checked = None
    if path.exists():
        record = read_json(path, "what `dlcourse check` has kept", _REMEDY)
        with reading(path, "what `dlcourse check` has kept", _REMEDY):
            if record["format"] != _FORMAT:
                raise Found(f"the format {record['format']!r}")
            checked = dt.datetime.fromisoformat(record["checked"])
            points = {str(task): float(earned) for task, earned in record["points"].items()}
    of = outline.of(released.cells(name), name)
    tasks = {}
    for task in of.tasks:
        visible = sum(cell.of for cell in task.cells if cell.kind == "test")
        if visible:
            earned = min(max(points.get(task.name, 0.0), 0.0), visible)
            tasks[task.name] = task.title, earned, visible
    return Standing(name, of.title, tasks, checked)
