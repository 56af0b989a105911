"""Figures are numbered by chapter, also when only some pages are built again."""

import re
import subprocess
import sys

import pytest

twins = pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")
pytest.importorskip("myst_parser", reason="MyST is not installed; `make book` installs it")

CONF = """
import sys; sys.path.insert(0, {extensions!r})
extensions, root_doc, exclude_patterns = ["myst_parser", "numbering"], "book/index", ["_build"]
numfig, html_theme = True, "basic"
"""
PAGES = ("1-first/a", "1-first/b", "2-second/c", "last")


def figures(*names):
    return "# Page\n" + "".join(
        f"\n```{{figure}} dot.svg\n:name: fig-{name}\n\nThe {name}.\n```\n" for name in names
    )


@pytest.fixture
def build(tmp_path):
    """Build a book of four pages; return the numbers on each, in captions and in the text."""
    (tmp_path / "conf.py").write_text(CONF.format(extensions=str(twins.ROOT / "book" / "_ext")))
    toc = "\n".join(PAGES)
    for folder in ("1-first", "2-second"):
        (tmp_path / "book" / folder).mkdir(parents=True)
        (tmp_path / "book" / folder / "dot.svg").write_text("<svg xmlns='x'/>")
    (tmp_path / "book" / "dot.svg").write_text("<svg xmlns='x'/>")
    (tmp_path / "book" / "index.md").write_text(f"# Book\n\n```{{toctree}}\n{toc}\n```\n")

    def build(**changed):
        for name, text in changed.items():
            page = next(page for page in PAGES if page.endswith(name))
            (tmp_path / "book" / f"{page}.md").write_text(text)
        command = [sys.executable, "-m", "sphinx", "-W", ".", "_build"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        html = [(tmp_path / "_build" / "book" / f"{page}.html").read_text() for page in PAGES]
        return [re.findall(r"Fig\. ([\d.]+)", text) for text in html]

    return build


def test_numbers_by_chapter(build):
    numbers = build(
        a=figures("apple", "pear"),
        b=figures("plum"),
        c="# Page\n\nSee {numref}`fig-pear`.\n" + figures("fig")[6:],
        last=figures("nut"),
    )
    assert numbers == [["1.1", "1.2"], ["1.3"], ["1.2", "2.1"], ["1"]]

    # One page has changed: those after it in its chapter are numbered anew, others keep theirs.
    numbers = build(a=figures("apple", "quince", "pear"))
    assert numbers[:2] == [["1.1", "1.2", "1.3"], ["1.4"]]
    assert numbers[2][-1] == "2.1" and numbers[3] == ["1"]
