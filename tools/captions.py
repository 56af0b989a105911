"""Numbers of figures, listings and exercises, and captions, for the notebooks beside the pages.

In the book Sphinx numbers them, and a cell's caption stands in its head, which Colab and Jupyter do
not show. So a notebook has the caption below the cell and the number in place of the reference:
both are worked out here, from the pages alone, by the rule of `book/_ext/numbering.py`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import definitions  # noqa: E402
import numbering  # noqa: E402

#: What Sphinx calls them and what readers do (`numfig_format` in _config.yml).
KINDS = {"figure": "Figure", "code-block": "Listing", "exercise": "Exercise"}

_FIGURE = re.compile(r"^    name: (fig-\S+)$", re.MULTILINE)
_SOURCE = re.compile(r"^```\{source\} (\S+)\n((?:.*\n)*?)```$", re.MULTILINE)
_LABEL = re.compile(r"^:label: (ex-\S+)$", re.MULTILINE)
_NAME = re.compile(r"^:name: (\S+)$", re.MULTILINE)
_REFERENCE = re.compile(r"\{numref\}`([^`]+)`")


def in_order(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pages of a table of contents."""
    if "file" in entry:
        yield entry["file"]
    for key in ("parts", "chapters", "sections"):
        for part in entry.get(key, ()):
            yield from in_order(part)


@cache
def numbers() -> Mapping[str, str]:
    """Return what the text calls each figure, listing and exercise, by its name."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    through: numbering.Numbers = {}
    for page in (contents["root"], *in_order(contents)):
        text = (ROOT / page).with_suffix(".md").read_text(encoding="utf-8")
        names = {
            "figure": _FIGURE.findall(text),
            "code-block": [_name(match) for match in _SOURCE.finditer(text)],
            "exercise": _LABEL.findall(text),
        }
        through[page] = {kind: dict.fromkeys(found, ()) for kind, found in names.items()}
    return {
        name: f"{KINDS[kind]} {'.'.join(map(str, number))}"
        for kinds in numbering.by_chapter(through).values()
        for kind, found in kinds.items()
        for name, number in found.items()
    }


def written_out(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells of a page with numbers, captions and listings in their text."""
    result = []
    for cell in cells:
        result.append(cell)
        if cell.cell_type == "markdown":
            cell.source = _SOURCE.sub(_listing, _referring(cell.source))
        figure = cell.metadata.get("mystnb", {}).get("figure")
        if figure:
            caption = f"**{numbers()[figure['name']]}.** {_referring(figure['caption'])}"
            result.append(new_markdown_cell(caption))  # type: ignore[no-untyped-call]
    return result


def _referring(text: str) -> str:
    return _REFERENCE.sub(lambda match: numbers()[match[1]], text)


def _name(directive: re.Match[str]) -> str:
    own = _NAME.search(directive[2])
    return own[1] if own else f"source-{definitions.listing(directive[1]).name}"


def _listing(directive: re.Match[str]) -> str:
    """Return what a listing of the page becomes in a notebook."""
    shown = definitions.listing(directive[1], ":docstring:" in directive[2])
    number = numbers().get(_name(directive), "Listing")
    return f"**{number}.** `{shown.name}`, in `{shown.file}`:\n\n```python\n{shown.code}\n```"
