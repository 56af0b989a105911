"""What was handed in: the texts of the cells of one notebook, whatever program wrote its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Unreadable(ValueError):
    """Nothing can be graded: the text says why, and what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell: its kind (``code``, ``markdown`` or ``raw``), its text, its name in nbgrader."""

    kind: str
    source: str
    name: str | None = None


@dataclass(frozen=True)
class Submission:
    """The cells of a notebook, the file they come from, and what a teacher should know."""

    cells: tuple[Cell, ...]
    file: str
    remarks: tuple[str, ...] = ()


def read(folder: Path, assignment: str) -> Submission:
    """Return what lies in the folder of one submission."""
    raise NotImplementedError
