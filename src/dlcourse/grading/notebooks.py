"""A notebook's bytes, as any program may have written them, become the texts of its cells.

Outputs, attachments and all metadata but nbgrader's name of a cell are left behind. Nothing is
validated or repaired beyond that, so a wrong version, a missing id or an unknown cell does no harm.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dlcourse.grading.python import parsed, plain

#: The most bytes of a file; saved outputs may take tens of megabytes.
MOST_BYTES = 64 * 2**20
#: The most characters of code, and of all cells together.
_MOST_CODE, _MOST_TEXT = 400_000, 10**7
_MOST_CELLS = 5000
#: The most bytes outside of strings, and quotation marks: objects take far more memory.
_MOST_STRUCTURE = _MOST_QUOTES = 8 * 2**20
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_STUB = re.compile(
    r"^[ \t]*raise NotImplementedError\b|^[ \t]*YOUR ANSWER HERE[ \t]*$", re.MULTILINE
)
# How cells begin in a script, and their names.
_MARK = re.compile(
    r"^# ?%%(.*)$|^# \+( \[.*| \{.*| \w+=.*)?$|^# In ?\[[ \d]*\]:?[ ]*$", re.MULTILINE
)
_NAME = re.compile(r'"grade_id": ?"([^"\\]+)"')
_OTHERS = {
    b"<": "a web page; hand in the file itself, not the page that shows it",
    b"%PDF": "a PDF",
    b"PK": "an archive or a document of an office program",
    b"Rar!": "a RAR archive; use zip",
    b"7z\xbc\xaf": "a 7z archive; use zip",
    b"\x1f\x8b": "a gzip archive; use zip",
    b"\0\5\26\7": "what macOS keeps beside a file, not the file",
    b"\x80": "a pickle, which is never read",
}


class Unreadable(ValueError):
    """Nothing can be graded: the text says why, and what a teacher is to do."""

    @property
    def found(self) -> str:
        """Only why."""
        return str(self).partition("; ")[0]


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook.

    Attributes
    ----------
    kind : str
        ``code``, ``markdown`` or ``raw``.
    source : str
        Its text, with ``\\n`` as the end of a line.
    name : str or None
        nbgrader's ``grade_id``.
    """

    kind: str
    source: str
    name: str | None = None


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook, and whether somebody has answered a task in it."""

    cells: tuple[Cell, ...]
    answered: bool


def from_json(data: bytes) -> Notebook:
    """Read a notebook of nbformat 2, 3 or 4, in any encoding of Unicode.

    Raises
    ------
    Unreadable
        If it is none: the text goes on from the name of the file.

    Examples
    --------
    >>> from_json(b'{"cells": [{"cell_type": "code", "source": ["x = 1\\\\r\\\\n", "x"]}]}').cells
    (Cell(kind='code', source='x = 1\\nx', name=None),)
    >>> from_json(b"<html>")
    Traceback (most recent call last):
    ...
    dlcourse.grading.notebooks.Unreadable: is a web page; hand in the file itself, not the page \
that shows it
    """
    text = decoded(data).strip()
    if not text:
        raise Unreadable("is empty; ask for it again")
    many = data.count(b'"') > _MOST_QUOTES
    if many or (len(data) > _MOST_STRUCTURE and len(_STRING.sub(b"", data)) > _MOST_STRUCTURE):
        raise Unreadable("has more in it than any notebook; ask for it again, without outputs")
    try:
        content = json.loads(text)
    except RecursionError:
        raise Unreadable("is nested more deeply than any notebook; ask for it again") from None
    except ValueError as error:
        raise Unreadable(f"is {_found(data, text, error)}") from None
    if not isinstance(content, dict):
        content = {}
    sheets = content.get("worksheets")  # before nbformat 4
    parts = [content, *(sheets if isinstance(sheets, list) else [])]
    lists = [part.get("cells") for part in parts if isinstance(part, dict)]
    if not any(isinstance(cells, list) for cells in lists):
        raise Unreadable("is no notebook but another program's file; ask for the notebook")
    return _notebook(cell for cells in lists if isinstance(cells, list) for cell in cells)


def from_script(data: bytes) -> Notebook:
    """Read the Python text of a notebook, as Jupyter, VS Code, Colab or jupytext write it.

    Cells begin at ``# %%``, ``# +`` or ``# In[3]:``. Where there are none, all code is one cell,
    or, if that is no Python, each paragraph. The time is linear in the size; jupytext's is not.

    Raises
    ------
    Unreadable
        If it is too long; the text goes on from the name of the file.

    Examples
    --------
    >>> found = from_script(b"# %%\\nx = 1\\n\\n# %% [markdown]\\n# Text\\n")
    >>> [cell.source for cell in found.cells]
    ['x = 1', 'Text']
    """
    text = decoded(data)
    if len(text) > _MOST_CODE:
        raise Unreadable("has more code than any notebook; ask for it again")
    marks = list(_MARK.finditer(text))
    begin = [0, *(mark.end() for mark in marks)]
    end = [*(mark.start() for mark in marks), len(text)]
    heads = ["", *(mark[1] or mark[2] or "" for mark in marks)]
    bodies = [text[i:j].strip("\n") for i, j in zip(begin, end, strict=True)]
    if not marks and parsed(plain(text)) is None:
        bodies = _paragraphs(text)
        heads = [""] * len(bodies)
    cells = [_of_script(head, body) for head, body in zip(heads, bodies, strict=True) if body]
    if not any(mark[1] is not None for mark in marks):  # then texts are comments, or, on Colab,
        texts = [_uncommented(part) for part in text.split("\n\n") if _is_comment(part)]
        tree = parsed(text)
        for node in tree.body if tree and not marks else ():  # strings
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                texts.append(str(node.value.value))
        cells += [{"cell_type": "markdown", "source": text} for text in texts]
    # It is something that the learner made, whatever is left as it was.
    return replace(_notebook(cells), answered=True)


def decoded(data: bytes) -> str:
    """Return a text in UTF-8, UTF-16 or UTF-32, with or without a mark of the order of bytes.

    Examples
    --------
    >>> decoded("é\\r\\n".encode("utf-16")), decoded(b"\\xe9")
    ('é\\n', 'é')
    """
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding, "strict" if encoding.startswith("utf-8") else "replace")
    except UnicodeDecodeError:  # an old editor of Windows
        text = data.decode("cp1252", "replace")
    return _lines(text)


def cell_of(item: dict[str, Any]) -> Cell:
    """Return what counts of a cell of a notebook, as JSON has it."""
    kind = item.get("cell_type")
    kind = {"code": "code", "markdown": "markdown", "heading": "markdown"}.get(str(kind), "raw")
    source = item.get("source", item.get("input"))  # `input` before nbformat 4
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    name = mark_of(item).get("grade_id")
    return Cell(
        kind,
        _lines(source) if isinstance(source, str) else "",
        name if isinstance(name, str) and 0 < len(name) <= 200 else None,
    )


def mark_of(item: dict[str, Any]) -> dict[str, Any]:
    """Return what nbgrader wrote about a cell."""
    metadata = item.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return mark if isinstance(mark, dict) else {}


def _of_script(head: str, body: str) -> dict[str, Any]:
    """Return a cell as JSON has it; jupytext keeps nbgrader's mark in its first line."""
    named = _NAME.search(head)
    metadata = {"nbgrader": {"grade_id": named[1]}} if named else {}
    if "[markdown]" in head or "[md]" in head or "[raw]" in head:
        return {"cell_type": "markdown", "source": _uncommented(body), "metadata": metadata}
    return {"cell_type": "code", "source": body, "metadata": metadata}


def _paragraphs(text: str) -> list[str]:
    """Cut a text at empty lines before lines that are not indented."""
    found: list[list[str]] = [[]]
    for part in text.split("\n\n"):
        if not part.lstrip("\n").startswith((" ", "\t")):
            found.append([])
        found[-1].append(part)
    return ["\n\n".join(parts) for parts in found]


def _is_comment(text: str) -> bool:
    return all(line.startswith("#") for line in text.strip("\n").split("\n"))


def _uncommented(text: str) -> str:
    return re.sub(r"^# ?", "", text.strip().strip('"'), flags=re.MULTILINE)


def _found(data: bytes, text: str, error: ValueError) -> str:
    """Say what a file is that is not JSON."""
    if re.search(r"^(<{7}|>{7}|={7}$)", text, re.MULTILINE):
        return (
            "two versions in one, with the marks of a merge conflict (<<<<<<<); "
            "ask for the one that counts"
        )
    # A string that does not end is reported where it begins.
    at_end = getattr(error, "pos", 0) >= len(text) - 5 or "Unterminated" in str(error)
    if text[0] == "{" and at_end:
        return "cut off in the middle; ask for it again"
    for start, what in _OTHERS.items():
        if data.lstrip().startswith(start):
            return what if ";" in what else f"{what}; ask for the notebook"
    return "no notebook but another program's file, or damaged; ask for the notebook"


def _notebook(found: Iterable[Any]) -> Notebook:
    cells: list[Cell] = []
    answered = marked = False
    for item in found:
        if not isinstance(item, dict):
            continue
        if len(cells) == _MOST_CELLS:
            raise Unreadable(f"has more than {_MOST_CELLS} cells; ask for it again")
        cell = cell_of(item)
        cells.append(cell)
        if mark_of(item).get("solution") is True:
            marked = True
            answered |= bool(cell.source.strip()) and not _STUB.search(cell.source)
    if not cells:
        raise Unreadable("has no cells; ask for it again")
    code = sum(len(cell.source) for cell in cells if cell.kind == "code")
    if code > _MOST_CODE or sum(len(cell.source) for cell in cells) > _MOST_TEXT:
        raise Unreadable("has more text in its cells than any answer needs; ask for it again")
    if not marked:  # nothing says which cells are answers
        answered = code > 0 and not any(_STUB.search(cell.source) for cell in cells)
    return Notebook(tuple(cells), answered)


def _lines(text: str) -> str:
    """Return a text with one kind of line end, without what UTF-8 cannot write."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return text.encode("utf-8", "replace").decode()
