"""The script that marks in the table of contents which questions a reader has got right.

It is made from ``dlcourse.explore``, as the quizzes are, so both agree on what is remembered, and it
is told which questions each page asks.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from dlcourse.explore.lib.widget import bundle
from dlcourse.files import atomic_write

SCRIPT = "quizzes.js"
_ASKED = re.compile(r'^quiz\("([\w/-]+)", "([\w-]+)"\)$', re.MULTILINE)


def asked(root: Path) -> dict[str, list[str]]:
    """Return the names of the questions on each page that has any, by its name in the book."""
    found = {}
    for path in sorted((root / "book").rglob("*.md")):
        names = _ASKED.findall(path.read_text(encoding="utf-8"))
        if names:
            page = path.relative_to(root).with_suffix("").as_posix()
            found[page] = [f"{of}#{name}" for of, name in names]
    return found


def script(root: Path) -> str:
    """Return the whole script: one that a page opened from the disk can load, so no module."""
    data = json.dumps(asked(root))
    return f"window.dlcourseQuizzes = {data};\n(() => {{\n{bundle('book/contents.js')}}})();\n"


def write(app: Sphinx) -> None:
    """Write the script to where pages look for it."""
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static"
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / SCRIPT) as file:
            file.write(script(Path(app.srcdir)).encode())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the script."""
    app.connect("builder-inited", write)
    app.add_js_file(SCRIPT)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
