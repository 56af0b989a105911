"""The directive ``syllabus``: a plan of a course, with hours that are summed up from pages and tasks.

    ```{syllabus}
    - read: [1-deeper/towards-deeper]
      do: { ps1-deeper: [1, 2] }
      class: A walk through the backward pass of a convolution.
    ```

Each entry is a week. What a page takes stands in its card "Before you start", what a task takes in the
table of its assignment; so a longer page changes every plan that it is in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
TEXTS = ROOT / "exercises" / "text"
_PAGE = re.compile(r"^\*\*It takes\*\* about (\d+) minutes", re.MULTILINE)
_TASK = re.compile(r"^# \| (\d+)\. .* \| (\d+) \| (\d+) \| [a-z ]+ \|$", re.MULTILINE)


def page_minutes(page: str) -> int:
    """Return how long a page takes, as it says itself.

    Raises
    ------
    ValueError
        If there is no such page, or it does not say.
    """
    path = BOOK / f"{page}.md"
    match = _PAGE.search(path.read_text(encoding="utf-8")) if path.exists() else None
    if match is None:
        raise ValueError(
            f"expected a page that says 'It takes about ... minutes', such as 3-speed/gpu, found {page!r}"
        )
    return int(match[1])


def task_minutes(assignment: str) -> dict[int, int]:
    """Return how long the tasks of an assignment take, as its table says, by their numbers."""
    path = TEXTS / f"{assignment}.py"
    if not path.exists():
        raise ValueError(f"expected an assignment such as ps1-deeper, found {assignment!r}")
    rows = _TASK.findall(path.read_text(encoding="utf-8"))
    return {int(number): int(minutes) for number, _, minutes in rows}


def minutes(week: Mapping[str, Any]) -> tuple[int, int]:
    """Return the minutes of reading and of tasks in a week."""
    read = sum(map(page_minutes, week.get("read", ())))
    done = 0
    for assignment, numbers in week.get("do", {}).items():
        takes = task_minutes(assignment)
        unknown = sorted(set(numbers) - takes.keys())
        if unknown:
            raise ValueError(f"{assignment} has no task {unknown[0]}, only {min(takes)} to {max(takes)}")
        done += sum(takes[number] for number in numbers)
    return read, done


def hours(total: int) -> str:
    """Return minutes as hours, to a quarter.

    Examples
    --------
    >>> hours(100), hours(60)
    ('1.75', '1')
    """
    return f"{round(total / 15) / 4:g}"


def rows(weeks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of the table, with the sums in the last."""
    lines = ["| week | read before | do after | hours: reading + tasks | in class |", "|--:|---|---|--:|---|"]
    reading = doing = 0
    for number, week in enumerate(weeks, 1):
        read, done = minutes(week)
        reading, doing = reading + read, doing + done
        pages = ", ".join(f"{{doc}}`../{page}`" for page in week.get("read", ())) or "nothing new"
        tasks = "; ".join(
            f"{{doc}}`Assignment {name[2]} <../{name[2:]}/exercises>`, {spans(numbers)}"
            for name, numbers in week.get("do", {}).items()
        )
        lines.append(
            f"| {number} | {pages} | {tasks or 'nothing'} | {hours(read)} + {hours(done)} "
            f"| {week['class']} |"
        )
    lines.append(f"| | | **in all** | **{hours(reading)} + {hours(doing)}** | |")
    return lines


def spans(numbers: Sequence[int]) -> str:
    """Return numbers of tasks as people write them.

    Examples
    --------
    >>> spans([1, 2, 3, 5]), spans([4])
    ('tasks 1 to 3, 5', 'task 4')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"{'task' if len(numbers) == 1 else 'tasks'} {', '.join(said)}"


class Syllabus(SphinxDirective):
    """Insert the table of a plan."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table, and note what its hours are made of."""
        try:
            weeks = yaml.safe_load("\n".join(self.content))
            lines = rows(weeks)
        except ValueError as error:
            raise self.error(f"syllabus: {error}") from error
        for week in weeks:
            for page in week.get("read", ()):
                self.env.note_dependency(str(BOOK / f"{page}.md"))
            for name in week.get("do", {}):
                self.env.note_dependency(str(TEXTS / f"{name}.py"))
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, __file__), self.content_offset, node)
        return node.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("syllabus", Syllabus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
