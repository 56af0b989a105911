"""The code of a page's cells, so that what is measured is what the page shows, not a copy."""

import ast
import re
from pathlib import Path

BOOK = Path(__file__).resolve().parents[2] / "book"
_CELL = re.compile(r"^```\{code-cell\} ipython3\n((?:.*\n)*?)```$", re.MULTILINE)
_OPTIONS = re.compile(r"\A(---\n(?:.*\n)*?---\n|(?::.*\n)+)")


def cells(page):
    """Return the code of each cell of a page such as "4-distributed/why-hard"."""
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    return [_OPTIONS.sub("", code) for code in _CELL.findall(text)]


def run(page, *parts):
    """Run the cells of a page that contain one of these parts, in their order; return their names.

    The cell with the page's imports runs first. Each part must be in exactly one cell.
    """
    names = {"__name__": page}
    for i in _chosen(page, parts):
        exec(compile(cells(page)[i], f"{page}, cell {i}", "exec"), names)
    return names


def definitions(page, part):
    """Run a cell as far as its last `def` or `class`, and return the names."""
    names = {"__name__": page}
    for i in _chosen(page, (part,)):
        tree = ast.parse(cells(page)[i])
        if part in cells(page)[i]:
            kinds = ast.FunctionDef | ast.ClassDef
            end = max(k for k, node in enumerate(tree.body) if isinstance(node, kinds))
            tree.body = tree.body[: end + 1]
        exec(compile(tree, f"{page}, cell {i}", "exec"), names)
    return names


def _chosen(page, parts):
    code = cells(page)
    chosen = {next(i for i, cell in enumerate(code) if "import numpy" in cell)}
    for part in parts:
        found = [i for i, cell in enumerate(code) if part in cell]
        assert len(found) == 1, f"{page}: {part!r} is in {len(found)} cells, expected it in one"
        chosen.add(found[0])
    return sorted(chosen)
