"""Write the nbgrader source notebooks from the texts in exercises/text.

    python tools/assignments.py            writes those that are missing or out of step
    python tools/assignments.py --check    only says which, and ends with status 1 if there are any

An assignment is written as a Python text with cells (jupytext's percent format). What nbgrader
must know about a cell is in its header, ``# %% nbgrader="TASK KIND POINTS"``:

========  ==========================================================================
setup     imports; put back if changed or deleted
solution  the learner's cell; what stands between BEGIN and END SOLUTION is cut out
visible   a test that learners see, with its points
hidden    a test that is added when work is graded, with its points
manual    an answer in words that a person grades, with its points
========  ==========================================================================
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "exercises" / "text"
SOURCE = ROOT / "exercises" / "source"

KINDS = {"setup", "solution", "visible", "hidden", "manual"}
HIDDEN_NOTE = "# Hidden tests of this task run here when your work is graded."


def source_path(text: Path) -> Path:
    """Return where nbgrader looks for the assignment of a text."""
    return SOURCE / text.stem / f"{text.stem}.ipynb"


def notebook(text: Path) -> str:
    """Return the source notebook of an assignment, without outputs."""
    content = jupytext.read(text)
    for key in set(content.metadata) - {"kernelspec"}:
        del content.metadata[key]
    for number, cell in enumerate(content.cells):
        mark = cell.metadata.pop("nbgrader", None)
        cell["id"] = str(number)
        if mark is not None:
            task, kind, points = (*mark.split(), 0)[:3]
            if kind not in KINDS:
                raise ValueError(f"{text.name}: expected one of {sorted(KINDS)}, found {kind!r}")
            if kind == "hidden":
                cell.source = (
                    f"{HIDDEN_NOTE}\n### BEGIN HIDDEN TESTS\n{cell.source}\n### END HIDDEN TESTS"
                )
            cell.metadata["nbgrader"] = _metadata(task, kind, int(points), cell.cell_type)
    content.nbformat, content.nbformat_minor = 4, 5
    nbformat.validate(content)
    written: str = nbformat.writes(content)
    return written + "\n"


def _metadata(task: str, kind: str, points: int, cell_type: str) -> dict[str, Any]:
    # The setup counts as a test worth no points: deleted tests are put back, other cells are not.
    data: dict[str, Any] = {
        "grade": kind != "solution",
        "solution": kind in ("solution", "manual"),
        "locked": kind in ("setup", "visible", "hidden"),
        "task": False,
        "grade_id": f"{task}-{kind}" if kind in ("visible", "hidden") else task,
        "schema_version": 3,
        "cell_type": cell_type,
    }
    if data["grade"]:
        data["points"] = points
    return data


def main(check: bool) -> int:
    """Bring the source notebooks in step, or only say which are not."""
    late = []
    for text in sorted(TEXTS.glob("*.py")):
        path, wanted = source_path(text), notebook(text)
        if not path.exists() or path.read_text(encoding="utf-8") != wanted:
            late.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted, encoding="utf-8")
    for path in late:
        print(f"{path.relative_to(ROOT)} {'is out of step with its text' if check else 'written'}")
    return 1 if check and late else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    sys.exit(main(parser.parse_args().check))
