"""From the text of an assignment to the teacher's notebook, with solutions and hidden tests.

An assignment is written as a Python text with cells (jupytext's percent format). What nbgrader
must know about a cell is in its header, ``# %% nbgrader="TASK KIND POINTS"``:

========  ==========================================================================
setup     imports; the teacher's own are run, whatever a learner makes of them
solution  the learner's cell; what stands between BEGIN and END SOLUTION is cut out
visible   a test that learners see, with its points
hidden    a test that is added when work is graded, with its points
manual    an answer in words that a person grades, with its points
========  ==========================================================================

A task may have several hidden cells with the same points. They are variants: a course with a secret
takes one of them, and the public course the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import nbformat

from dlcourse.grading.outline import HIDDEN, HIDDEN_NOTE

KINDS = ("setup", "solution", "visible", "hidden", "manual")
BEGIN, END = HIDDEN, "### END HIDDEN TESTS"  # what nbgrader cuts out

#: Makes the hidden test of a task from its variants.
Choice = Callable[[str, Sequence[str]], str]


class Mark(NamedTuple):
    """What the header of a cell says."""

    task: str
    kind: str
    points: int


def read(text: Path) -> tuple[Any, list[Mark | None]]:
    """Return the notebook of a text, without nbgrader's metadata, and the mark of each cell.

    Raises
    ------
    ValueError
        If a header cannot be understood.
    """
    content = jupytext.read(text)
    marks = [_mark(cell.metadata.pop("nbgrader", None), text) for cell in content.cells]
    return content, marks


def notebook(text: Path, choose: Choice = lambda task, variants: variants[0]) -> str:
    """Return the teacher's notebook of an assignment, without outputs, as nbgrader reads it.

    Parameters
    ----------
    text : Path
        The text of the assignment.
    choose : callable
        Makes the hidden test of a task from its name and its variants.
    """
    content, marks = read(text)
    for key in set(content.metadata) - {"kernelspec"}:
        del content.metadata[key]
    hidden: dict[str, list[tuple[int, str]]] = {}  # points and source of each variant
    for cell, mark in zip(content.cells, marks, strict=True):
        if mark and mark.kind == "hidden":
            hidden.setdefault(mark.task, []).append((mark.points, cell.source))
    cells: list[Any] = []
    done = set()
    for cell, mark in zip(content.cells, marks, strict=True):
        if mark in done:
            continue
        if mark:
            if mark.kind == "hidden":
                done.add(mark)
                source = choose(mark.task, _variants(text, mark.task, hidden))
                cell.source = (
                    f"{HIDDEN_NOTE}\n### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS"
                )
            cell.metadata["nbgrader"] = _metadata(mark, cell.cell_type)
        cell["id"] = str(len(cells))
        cells.append(cell)
    content.cells = cells
    content.nbformat, content.nbformat_minor = 4, 5
    nbformat.validate(content)
    written: str = nbformat.writes(content)
    return written + "\n"


def _mark(header: str | None, text: Path) -> Mark | None:
    if header is None:
        return None
    match = re.fullmatch(rf"(\S+) ({'|'.join(KINDS)})( \d+)?", header)
    if match is None:
        raise ValueError(
            f'{text.name}: expected nbgrader="TASK KIND POINTS", KIND one of {", ".join(KINDS)}, '
            f"found {header!r}; correct the header"
        )
    return Mark(match[1], match[2], int(match[3] or 0))


def _variants(text: Path, task: str, hidden: dict[str, list[tuple[int, str]]]) -> list[str]:
    points = sorted({points for points, _ in hidden[task]})
    if len(points) > 1:
        raise ValueError(
            f"{text.name}: expected the same points for all variants of the hidden test of {task}, "
            f"found {points}; correct their headers"
        )
    return [source for _, source in hidden[task]]


def _metadata(mark: Mark, cell_type: str) -> dict[str, Any]:
    # The setup counts as a test worth no points: the teacher's own is the one that is run.
    data: dict[str, Any] = {
        "grade": mark.kind != "solution",
        "solution": mark.kind in ("solution", "manual"),
        "locked": mark.kind in ("setup", "visible", "hidden"),
        "task": False,
        "grade_id": f"{mark.task}-{mark.kind}" if mark.kind in ("visible", "hidden") else mark.task,
        "schema_version": 3,
        "cell_type": cell_type,
    }
    if data["grade"]:
        data["points"] = mark.points
    return data
