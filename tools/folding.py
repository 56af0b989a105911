"""Exercises and their folded solutions, for the notebooks beside the pages.

In the book sphinx-exercise numbers and folds them. Jupyter and Colab know nothing of it, so there a
solution is a `<details>` element. What it computes stands in cells of its own, which no element can
enclose: their code is folded, and so is what the solution says after them.
"""

from __future__ import annotations

import re

from captions import numbers
from nbformat import NotebookNode

_FENCED = r"^(?P<fence>`{3,}|:{3,})\{%s\} *(?P<argument>.*)\n(?P<body>(?:.*\n)*?)(?P=fence)$"
_EXERCISE = re.compile(_FENCED % "exercise", re.MULTILINE)
_SOLUTION = re.compile(_FENCED % "solution", re.MULTILINE)
_START = re.compile(_FENCED % "solution-start", re.MULTILINE)
_END = re.compile(_FENCED % "solution-end", re.MULTILINE)
_OPTION = re.compile(r"^:(\w+): *(.*)\n", re.MULTILINE)


def folded(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells of a page with its exercises and solutions as a notebook shows them."""
    within = None  # the exercise in whose solution we are
    for cell in cells:
        if cell.cell_type == "code":
            if within:
                cell.metadata["cellView"] = "form"
                cell.metadata["jupyter"] = {"source_hidden": True}
            continue
        text = _EXERCISE.sub(_exercise, cell.source)
        text = _SOLUTION.sub(lambda found: _fold(found["argument"], _text(found["body"])), text)
        end = _END.search(text)
        if within and end:
            told = text[: end.start()].strip()
            text = (_fold(within, told) if told else "") + text[end.end() :]
            within = None
        start = _START.search(text)
        if start:
            within = start["argument"]
            text = text[: start.start()] + _fold(within, text[start.end() :].strip())
        cell.source = text.strip()
    return [cell for cell in cells if cell.cell_type == "code" or cell.source]


def _exercise(found: re.Match[str]) -> str:
    options = dict(_OPTION.findall(found["body"]))
    number = numbers().get(options.get("label", ""), "Exercise")
    return f"**{number}: {found['argument']}**\n\n{_text(found['body'])}"


def _text(body: str) -> str:
    return _OPTION.sub("", body).strip()


def _fold(label: str, text: str) -> str:
    summary = f"<summary>Solution to {numbers().get(label, 'the exercise')}</summary>"
    return f"<details>\n{summary}\n\n{text}\n\n</details>"
