"""Write the notebook beside each page that has code, for Colab and Binder.

    python tools/twins.py            writes those that are missing or out of step
    python tools/twins.py --check    only says which, and ends with status 1 if there are any

A page is a MyST text notebook (``.md``, the source); its twin is the same as ``.ipynb``, without
outputs. The twin is a function of the page and of the code of the package that it shows, which
stands in the twin itself, since Colab and Jupyter do not know the directive ``source``. The cells
are numbered, not given random ids.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import listings  # noqa: E402

_SOURCE = re.compile(r"^```\{source\} (\S+)\n((?:.*\n)*?)```$", re.MULTILINE)


def pages(root: Path) -> Iterator[Path]:
    """Yield the pages of the book that are notebooks: those with a jupytext header."""
    for path in sorted(root.glob("book/**/*.md")):
        head = path.read_text(encoding="utf-8")[:400]
        if head.startswith("---\n") and "\njupytext:" in head:
            yield path


def twin(page: Path) -> str:
    """Return what the twin of a page should hold."""
    notebook = jupytext.read(page)
    for key in set(notebook.metadata) - {"kernelspec"}:
        del notebook.metadata[key]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = str(number)  # as nbstripout numbers them
        if cell.cell_type == "markdown":
            cell.source = _SOURCE.sub(_shown, cell.source)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return text + "\n"


def _shown(directive: re.Match[str]) -> str:
    """Return what a listing of the page becomes in a notebook."""
    shown = listings.listing(directive[1], ":docstring:" in directive[2])
    return f"`{shown.name}`, in `{shown.file}`:\n\n```python\n{shown.code}\n```"


def main(check: bool) -> int:
    """Bring the twins in step, or only say which are not."""
    late = []
    for page in pages(ROOT):
        path, text = page.with_suffix(".ipynb"), twin(page)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            late.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, encoding="utf-8")
    for path in late:
        print(
            f"{path}: {'not in step with its page; run `make notebooks`' if check else 'written'}"
        )
    return 1 if check and late else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    sys.exit(main(parser.parse_args().check))
