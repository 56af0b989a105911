"""The assignments as they are released: they come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlcourse
from dlcourse.files import read_json

_PACKAGE = Path(dlcourse.__file__).resolve().parent
#: In a copy of the repository, and in what is installed (`pyproject.toml` puts it there).
_FOLDERS = (_PACKAGE.parents[1] / "exercises" / "release", _PACKAGE / "grading" / "release")
_REMEDY = "install dlcourse again"


def names() -> list[str]:
    """Return the names of the assignments, in order.

    Raises
    ------
    FileNotFoundError
        If they did not come with the package.

    Examples
    --------
    >>> names()[0]
    'ps1-deeper'
    """
    return sorted(path.name for path in _folder().glob("ps*") if path.is_dir())


def cells(name: str) -> list[dict[str, Any]]:
    """Return the cells of an assignment, as JSON has them.

    Parameters
    ----------
    name : str
        The assignment.
    """
    found: list[dict[str, Any]] = read_json(path(name), "a released assignment", _REMEDY)["cells"]
    return found


def path(name: str) -> Path:
    """Return the file of an assignment.

    Parameters
    ----------
    name : str
        The assignment.
    """
    return _folder() / name / f"{name}.ipynb"


def _folder() -> Path:
    for folder in _FOLDERS:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the assignments that belong to dlcourse are missing; {_REMEDY}")
