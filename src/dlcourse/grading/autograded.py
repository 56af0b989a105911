"""The notebook that formgrader and feedback show: the teacher's, with a learner's answers in it.

Nothing in it comes from the learner but text, which is shown as text: code in code cells, answers
in words without HTML, messages of the judge as those of an error. Hidden tests are not in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlcourse.grading.inert import inert
from dlcourse.grading.plan import Plan, Step

#: What nbgrader cuts out of a release.
_HIDDEN = re.compile(
    r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", re.DOTALL | re.MULTILINE
)
NOT_SHOWN = "# The hidden tests are not shown."
_SYNTAX = {"name": "python", "pygments_lexer": "ipython3"}


def path(course: Path, student: str, assignment: str) -> Path:
    """Return where nbgrader looks for it."""
    return course / "autograded" / student / assignment / f"{assignment}.ipynb"


def notebook(master: list[dict[str, Any]], plan: Plan, result: Mapping[str, Any]) -> str:
    """Return the notebook as JSON.

    Parameters
    ----------
    master : list of dict
        The cells of the teacher's notebook.
    plan : Plan
        What was handed in.
    result : mapping
        What the judge found.
    """
    tests = {test["name"]: test for test in result["tests"]}
    failed = {cell["name"]: cell["message"] for cell in result["cells"]}
    own = _own(plan)
    cells: list[dict[str, Any]] = []
    for cell in master:
        mark = cell["metadata"].get("nbgrader")
        source = "".join(cell["source"])
        message = ""
        if mark is None:
            cells.append(_cell(cell["cell_type"], source, {}))
            continue
        name = mark["grade_id"]
        if name in plan.words:
            source = inert(plan.words[name]) or "(no answer)"
        elif mark["solution"]:
            source = plan.answers.get(name, "")
            message = failed.get(name, "")
        else:
            source = _HIDDEN.sub(NOT_SHOWN, source)
            cells += [_cell("code", text, {}) for text in own.pop(name, ())]
            test = tests.get(name)
            if test is not None and test["points"] < test["of"]:
                message = test["message"] or "No points."
        cells.append(_cell(cell["cell_type"], source, {"nbgrader": mark}, message))
    cells += [_cell("code", text, {}) for texts in own.values() for text in texts]
    for number, cell in enumerate(cells):
        cell["id"] = str(number)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": _SYNTAX,
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _own(plan: Plan) -> dict[str, list[str]]:
    """From the name of the teacher's next cell to the learner's own cells that come before it."""
    found: dict[str, list[str]] = {}
    waiting: list[Step] = []
    for step in plan.steps:
        if step.kind == "theirs":
            waiting.append(step)
            continue
        found[step.name] = _besides(plan, waiting)
        waiting = []
    return {**found, "": _besides(plan, waiting)}


def _besides(plan: Plan, steps: Iterable[Step]) -> list[str]:
    return [step.source for step in steps if step.source not in plan.answers.get(step.name, "")]


def _cell(kind: str, source: str, metadata: dict[str, Any], message: str = "") -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": source}
    if kind == "code":
        cell["execution_count"] = None
        cell["outputs"] = [_error(message)] if message else []
    return cell


def _error(message: str) -> dict[str, Any]:
    # nbconvert shows a traceback as text, in which codes of a terminal give colours.
    text = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in message
    )
    return {"output_type": "error", "ename": "Not right yet", "evalue": text, "traceback": [text]}
