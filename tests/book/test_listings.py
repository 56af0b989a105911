"""The directive `source`: what it shows, when it refuses, and what a page then depends on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed; `make book` installs it")
import definitions
import twins

from dlcourse import nn

CONF = """
import sys; sys.path.insert(0, {extensions!r})
extensions, root_doc, exclude_patterns = ["myst_nb", "listings"], "index", ["_build"]
nb_execution_mode, numfig = "off", True
html_theme_options = dict(repository_url="https://example.org/repo", repository_branch="main")
html_theme = "basic"
"""


@pytest.fixture
def book(tmp_path):
    """A book of one page: `build(text)` returns its HTML and what Sphinx had to say."""
    (tmp_path / "conf.py").write_text(CONF.format(extensions=str(twins.ROOT / "book" / "_ext")))

    def build(text=None):
        if text is not None:
            (tmp_path / "index.md").write_text(text)
        command = [sys.executable, "-m", "sphinx", ".", "_build"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return (tmp_path / "_build" / "index.html").read_text(), done.stdout + done.stderr

    build.folder = tmp_path
    return build


def shown(html):
    """The code of the listings of a page, without its colours."""
    blocks = re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
    return [re.sub(r"<.*?>", "", block).strip() for block in blocks]


def test_a_page_shows_a_method_with_number_caption_and_link(book):
    html, said = book(
        "# Page\n\n```{source} dlcourse.nn.pooling.MaxPool2d.backward\n```\n\n"
        "See {numref}`source-MaxPool2d.backward`.\n"
    )
    assert "WARNING: index" not in said and "ERROR" not in said, said
    (code,) = shown(html)
    assert code.startswith("def backward(self, dy: Array) -&gt; Array:\n    ")
    assert 'class="highlight-python' in html
    link = re.search(r'href="https://example.org/repo/blob/main/(\S+)#L(\d+)-L(\d+)"', html)
    lines = (twins.ROOT / link[1]).read_text().splitlines()[int(link[2]) - 1 : int(link[3])]
    assert lines[0].strip().startswith("def backward") and len(lines) == code.count("\n") + 1
    assert "MaxPool2d.backward</span>" in html
    assert html.count("Listing 1") == 2  # above the code, and where the text refers to it


def test_a_listing_leads_to_the_layer_in_an_explorer(book):
    html, said = book(
        "# Page\n\n```{source} dlcourse.nn.MaxPool2d.backward\n:explorer: MaxPool2d\n```\n\n"
        "```{source} dlcourse.nn.Linear.backward\n:explorer: Linear index\n```\n"
    )
    assert "ERROR" not in said, said
    links = re.findall(r'href="([^"]*#explorer-[^"]*)">see it at work<', html)
    assert links == ["#explorer-network-MaxPool2d", "#explorer-network-Linear"]


@pytest.mark.parametrize("option", ["Linear nowhere", "Linear index index"])
def test_a_page_that_is_not_there_has_no_explorer(book, option):
    _, said = book(
        f"# Page\n\n```{{source}} dlcourse.nn.Linear.backward\n:explorer: {option}\n```\n"
    )
    (line,) = [line for line in said.splitlines() if "source: expected" in line]
    assert f"found '{option}'" in line and "such as 'MaxPool2d towards-deeper'" in line


@pytest.mark.parametrize(
    "name", ["dlcourse.nn.MaxPool9d.backward", "dlcourse.nn.pooling", "numpy.add", "nowhere.at"]
)
def test_a_name_of_nothing_to_show_is_an_error_of_one_sentence(book, name):
    _, said = book(f"# Page\n\n```{{source}} {name}\n```\n")
    (line,) = [line for line in said.splitlines() if "source: expected" in line]
    assert "index.md:3: ERROR" in line  # with -W the build fails
    assert f"found '{name}'" in line and "such as dlcourse.nn.MaxPool2d.backward" in line


def test_docstrings_are_left_out_unless_they_are_asked_for():
    name = "dlcourse.nn.loss.CrossEntropyLoss"
    short, whole = definitions.listing(name).code, definitions.listing(name, docstring=True).code
    assert '"""' not in short and whole.count('"""') >= 4
    assert "def backward(self) -> Array:\n        images" in short
    rest = iter(whole.splitlines())
    assert all(line in rest for line in short.splitlines())  # in order, with nothing changed


def test_a_string_that_is_no_docstring_stays():
    code = 'def f():\n    """Say."""\n    x = """not\n    a docstring"""\n    return x'
    assert definitions.without_docstrings(code) == code.replace('    """Say."""\n', "")


def test_what_a_class_hands_on_is_found_where_it_stands():
    shown = definitions.listing("dlcourse.models.residual.BasicBlock.backward")
    assert shown.name == "BasicBlock.backward"
    assert shown.file == "src/dlcourse/models/residual.py"
    chain = definitions.listing("dlcourse.nn.Sequential.backward")
    assert chain.code == definitions.listing("dlcourse.nn.Chain.backward").code
    assert definitions.listing("dlcourse.nn.ReLU.backward").path == Path(nn.activation.__file__)


def test_a_page_is_read_again_when_the_file_has_changed(book):
    _, said = book("# Page\n\n```{source} dlcourse.nn.Flatten.backward\n```\n")
    assert "[100%] index" in said
    assert "[100%] index" not in book()[1]
    path = definitions.listing("dlcourse.nn.Flatten.backward").path
    # It is a file of the package, so it only gets another time.
    later = (book.folder / "_build" / "index.html").stat().st_mtime + 10
    state = path.stat()
    try:
        os.utime(path, (later, later))
        assert "reading sources... [100%] index" in book()[1]
    finally:
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_twin_holds_the_code_itself(tmp_path):
    page = tmp_path / "page.md"
    head = (twins.ROOT / "book" / "1-deeper" / "why-depth.md").read_text().split("\n# ")[0]
    source = "```{source} dlcourse.nn.Flatten.backward\n:name: x\n```"
    page.write_text(f"{head}\n# Page\n\nHere:\n\n{source}\n\nSo.\n")
    twin = twins.twin(page)
    assert "{source}" not in twin and ":name:" not in twin
    assert "`Flatten.backward`, in `src/dlcourse/nn/linear.py`:\\n" in twin.replace('",', "")
    assert '"```python\\n",\n    "def backward(self, dy: Array) -> Array:\\n",' in twin
