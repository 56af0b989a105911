"""Write the notebook beside each page that has code, for Colab and Binder.

    python tools/twins.py            writes those that are missing or out of step
    python tools/twins.py --check    only says which, and ends with status 1 if there are any

A page is a MyST text notebook (``.md``, the source); its twin is the same as ``.ipynb``, without
outputs, and with captions, numbers of figures and code of the package in its text, which the book
puts in itself (`captions.py`), and with solutions folded as notebooks can (`folding.py`). Nothing
else decides what a twin holds: the cells are numbered, not given random ids.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from captions import written_out
from folding import folded

ROOT = Path(__file__).resolve().parent.parent


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
    notebook.cells = folded(written_out(notebook.cells))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = str(number)  # as nbstripout numbers them
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return text + "\n"


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
