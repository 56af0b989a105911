"""An assignment as people see it: its title, and its tasks with the cells that earn points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcourse.files import read_json

_TITLE = re.compile(r"^# +(.+?) *$", re.MULTILINE)
_HEADING = re.compile(r"^##+ +(.+?) *$", re.MULTILINE)
_TAUGHT = re.compile(r"^[^\w\n]*Taught in:?[ *_]*(.+?)[\s*_.]*$", re.MULTILINE)
_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")
#: How the lines begin that are cut out of a hidden test, and all that a learner sees of one.
HIDDEN = "### BEGIN HIDDEN TESTS"
HIDDEN_NOTE = "# Hidden tests of this task run here when your work is graded."


@dataclass(frozen=True)
class Cell:
    """A cell that earns points."""

    name: str
    kind: str  #: "test", "hidden test" or "question", which a person marks
    of: float


@dataclass(frozen=True)
class Task:
    """A task, by the name that the marks have for it."""

    name: str
    title: str
    taught: str = ""  #: the section that teaches it, if the text says so
    cells: list[Cell] = field(default_factory=list)

    @property
    def of(self) -> float:
        """The most points."""
        return sum(cell.of for cell in self.cells)


@dataclass(frozen=True)
class Outline:
    """The title of an assignment, its tasks, and what everybody may have in an answer.

    Attributes
    ----------
    title : str
        The first heading.
    tasks : list of Task
        In order.
    solutions : dict
        The teacher's code for each task that is answered in code.
    """

    title: str
    tasks: list[Task]
    solutions: dict[str, str]


def read(course: Path, assignment: str, folder: str = "source") -> Outline:
    """Read the teacher's notebook, or that in `release`.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    folder : str
        Where.
    """
    path = course / folder / assignment / f"{assignment}.ipynb"
    return of(read_json(path, "the teacher's notebook", "make it again")["cells"], assignment)


def of(cells: Sequence[Mapping[str, Any]], assignment: str) -> Outline:
    """Return the outline of a notebook's cells.

    Examples
    --------
    >>> mark = {"grade_id": "sum", "solution": True, "grade": False}
    >>> test = {"grade_id": "sum-visible", "solution": False, "grade": True, "points": 2}
    >>> cells = [
    ...     {"cell_type": "markdown", "metadata": {}, "source": "# Sums\\n## Task 1: add\\n\\n"
    ...         "Taught in: \\"Adding\\", section [Carry](https://a.org/#b)"},
    ...     {"cell_type": "code", "metadata": {"nbgrader": mark}, "source": "..."},
    ...     {"cell_type": "code", "metadata": {"nbgrader": test}, "source": "assert ..."},
    ... ]
    >>> outline = of(cells, "ps1")
    >>> outline.title, [(task.name, task.title, task.of, task.taught) for task in outline.tasks]
    ('Sums', [('sum', 'Task 1: add', 2.0, '"Adding", section Carry (https://a.org/#b)')])
    """
    title, heading, taught, name = "", "", "", ""
    tasks: dict[str, Task] = {}
    solutions = {}
    for cell in cells:
        source = "".join(cell["source"])
        mark = cell["metadata"].get("nbgrader")
        if mark is None:
            if cell["cell_type"] == "markdown":
                title = title or next(iter(_TITLE.findall(source)), "")
                if headings := _HEADING.findall(source):
                    heading, taught = headings[-1], ""
                taught = next(iter(_TAUGHT.findall(source)), taught)
            continue
        if mark["solution"]:
            name = mark["grade_id"]
            if cell["cell_type"] == "code":
                solutions[name] = source
        if mark["grade"] and mark["points"]:
            task = name or mark["grade_id"]
            tasks.setdefault(task, Task(task, heading or task, _LINK.sub(_linked, taught)))
            hidden = HIDDEN in source or source.strip() == HIDDEN_NOTE
            kind = "hidden test" if hidden else "test"
            kind = "question" if mark["solution"] else kind
            tasks[task].cells.append(Cell(mark["grade_id"], kind, float(mark["points"])))
    return Outline(title or assignment, list(tasks.values()), solutions)


def _linked(link: re.Match[str]) -> str:
    """Return a link of Markdown as it reads in a terminal."""
    return f"{link[1]} ({link[2]})" if link[2].startswith("http") else link[1]
