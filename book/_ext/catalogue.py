"""The directive ``mistakes``: what goes wrong in each task, what the test says, and what to ask.

    ```{mistakes} ps1-deeper
    ```

The mistakes are those with which the tests of the assignments are tried; ``tools/mistakes.py`` has
noted what a learner is told first. The questions stand in ``book/teaching/ask.yml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
TOLD = ROOT / "book" / "teaching" / "mistakes.json"
QUESTIONS = ROOT / "book" / "teaching" / "ask.yml"


def headings(text: str) -> dict[str, str]:
    """Return the headings of the tasks in the text of an assignment, by task, in order.

    Examples
    --------
    >>> headings('# ## Task 6: dropout\\n# %% nbgrader="dropout solution"\\n')
    {'dropout': 'Task 6: dropout'}
    """
    found, last = {}, ""
    for heading, task in re.findall(r'^# ## (Task .*)$|nbgrader="([\w-]+) solution', text, re.M):
        last = heading or last
        if task:
            found[task] = last
    return found


class Mistakes(SphinxDirective):
    """Insert a section for each task of an assignment."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        name = self.arguments[0]
        text = ROOT / "exercises" / "text" / f"{name}.py"
        for path in (text, TOLD, QUESTIONS):
            self.env.note_dependency(str(path))
        if not text.exists():
            raise self.error(f"mistakes: expected an assignment such as ps1-deeper, found {name!r}")
        told = json.loads(TOLD.read_text(encoding="utf-8"))[name]
        asked = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))[name]
        tasks = headings(text.read_text(encoding="utf-8"))
        return [
            section(f"{name}-{task}", heading, asked[task], told[task])
            for task, heading in tasks.items()
        ]


def section(
    identifier: str, heading: str, question: str, rows: Sequence[Sequence[str]]
) -> nodes.section:
    """Return the section of a task: what to ask, and a table of mistakes and messages."""
    found = nodes.section(ids=[nodes.make_id(f"wrong-{identifier}")], names=[])
    found += nodes.title(heading, heading)
    ask = nodes.paragraph()
    ask += nodes.strong("Ask", "Ask")
    ask += nodes.Text(f": {question}")
    found += ask
    found += table(("what was written", "what the test says first"), rows)
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> nodes.table:
    """Return a table of plain texts."""

    def row(cells: Sequence[str]) -> nodes.row:
        made = nodes.row()
        for cell in cells:
            made += nodes.entry("", nodes.paragraph(cell, cell))
        return made

    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", row(head))
    group += nodes.tbody("", *map(row, rows))
    return nodes.table("", group)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("mistakes", Mistakes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
