"""The script that marks the table of contents: what it knows, and that pages load it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("myst_nb", reason="MyST-NB is not installed; `make book` installs it")

ROOT = Path(__file__).resolve().parents[2]
CONF = """
import sys; sys.path.insert(0, {extensions!r})
extensions, root_doc, exclude_patterns = ["myst_nb", "quizzes"], "book/index", ["_build"]
nb_execution_mode, html_theme = "off", "basic"
"""
PAGE = """# It

```{code-cell} ipython3
quiz("1-deeper/why-depth", "same-size")
```

```{code-cell} ipython3
quiz("1-deeper/why-depth", "stacked-view")
```
"""


def test_pages_load_what_tells_their_questions(tmp_path):
    (tmp_path / "conf.py").write_text(CONF.format(extensions=str(ROOT / "book" / "_ext")))
    (tmp_path / "book" / "1").mkdir(parents=True)
    (tmp_path / "book" / "index.md").write_text("# Contents\n\n```{toctree}\n1/it\n```\n")
    (tmp_path / "book" / "1" / "it.md").write_text(PAGE)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", "_build"]
    subprocess.run(command, cwd=tmp_path, check=True)
    page = (tmp_path / "_build" / "book" / "1" / "it.html").read_text()
    assert 'data-content_root="../../"' in page, "where the book begins"
    assert re.search(r'<script src="\.\./\.\./_static/quizzes\.js(\?v=\w+)?"></script>', page)
    script = (tmp_path / "_build" / "_static" / "quizzes.js").read_text(encoding="utf-8")
    data = re.match(r"window\.dlcourseQuizzes = (.*);\n", script)[1]
    names = ["1-deeper/why-depth#same-size", "1-deeper/why-depth#stacked-view"]
    assert json.loads(data) == {"book/1/it": names}
    assert not re.search(r"^\s*(import|export) ", script, re.MULTILINE), "a page from the disk"
