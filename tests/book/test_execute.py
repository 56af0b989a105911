"""Pages run when they must, their failures are named, and the others are built."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

execute = pytest.importorskip("execute", reason="jupyter-cache is not installed; make book does it")
building = pytest.importorskip("building")

HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

"""


def page(text, *cells):
    return HEAD + text + "".join(f"\n\n```{{code-cell}} ipython3\n{cell}\n```" for cell in cells)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A repository with a package and pages, and how to run those pages."""
    package = tmp_path / "src" / "fruit"
    package.mkdir(parents=True)
    for name in ("__init__", "apples", "pears"):
        (package / f"{name}.py").write_text("COUNT = 10\n")
    (tmp_path / "book").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))

    def write(name, text):
        path = tmp_path / "book" / f"{name}.md"
        path.write_text(text)
        return path

    def run(*pages, jobs=2):
        def work():
            cache = execute.open_cache(tmp_path / "_build" / ".jupyter_cache")
            return execute.execute(pages, jobs, cache, tmp_path)

        # A browser that an earlier test has opened runs its own loop in this thread.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work).result()

    return SimpleNamespace(root=tmp_path, package=package, write=write, run=run)


def test_pages_run_again_only_when_they_must(book, capsys):
    apples = book.write("apples", page("Apples.", "import fruit.apples\nfruit.apples.COUNT"))
    pears = book.write("pears", page("Pears.", "import fruit.pears\nfruit.pears.COUNT"))

    def ran():
        assert book.run(apples, pears) == {}
        return [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[1:]]

    assert {*ran()} == {"book/apples.md", "book/pears.md"}
    assert ran() == []

    book.write("apples", page("Words alone.", "import fruit.apples\nfruit.apples.COUNT"))
    assert ran() == []
    (book.package / "apples.py").write_text("COUNT = 11\n")
    assert ran() == ["book/apples.md"]
    book.write("pears", page("Pears.", "import fruit.pears\nfruit.pears.COUNT + 1"))
    assert ran() == ["book/pears.md"]

    # A process that was killed while it wrote leaves half a notebook, or none.
    first, second = sorted(book.root.glob("_build/.jupyter_cache/executed/*/base.ipynb"))
    first.write_text(first.read_text()[:-20])
    shutil.rmtree(second.parent)
    assert {*ran()} == {"book/apples.md", "book/pears.md"}
    assert ran() == []


def test_failures_are_named_and_other_pages_are_kept(book, capsys):
    good = book.write("good", page("Good.", "1 + 1"))
    fails = book.write("fails", page("It fails.", "apples = 10", "apples / 0", "'never'"))
    dies = book.write("dies", page("It dies.", "import os\nos._exit(1)"))
    warns = book.write("warns", page("It warns.", "import warnings\nwarnings.warn('ripe')"))

    failures = book.run(good, fails, dies, warns)
    line = fails.read_text().splitlines().index("apples / 0") + 1
    assert failures[fails] == f"line {line}, cell 2 of code: ZeroDivisionError: division by zero"
    assert "cell 1 of code: DeadKernelError" in failures[dies]
    assert "on standard error" in failures[warns] and "ripe" in failures[warns]
    assert good not in failures

    capsys.readouterr()
    assert book.run(good, fails).keys() == {fails}  # it runs again, and only that
    assert "2 pages, 1 of them as they ran before" in capsys.readouterr().out

    # Jupyter Book finds how far the page came.
    cache = execute.open_cache(book.root / "_build" / ".jupyter_cache")
    notebook = cache.merge_match_into_notebook(execute.read(cache, fails))[1]
    (output,) = [cell for cell in notebook.cells if cell.cell_type == "code"][1].outputs
    assert output.ename == "ZeroDivisionError"

    failures = {building.ROOT / "book" / "a.md": "line 3, cell 1 of code: ValueError: no"}
    building.report(failures)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "book/a.md, line 3, cell 1 of code: ValueError: no"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_signal_ends_all_pages_and_the_next_run_goes_on(book, how):
    wait = book.root / "book" / "wait"
    wait.touch()
    for name in ("one", "two"):
        cell = (
            f"import os, time\nopen('{name}.begun', 'w').write(str(os.getpid()))\n"
            "while os.path.exists('wait'):\n    time.sleep(0.1)"
        )
        book.write(name, page("It waits.", cell))
    code = (
        "import execute, pathlib, signal; root = pathlib.Path('.').resolve()\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "cache = execute.open_cache(root / '_build' / '.jupyter_cache')\n"
        "execute.execute(sorted(root.glob('book/*.md')), 2, cache, root)"
    )
    tools = building.ROOT / "tools"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tools), *sys.path])),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=book.root, env=environment, stderr=subprocess.PIPE
    )
    begun = [book.root / "book" / f"{name}.begun" for name in ("one", "two")]
    while not all(path.exists() and path.read_text() for path in begun):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(how)
    told = process.communicate(timeout=300)[1]
    assert how == signal.SIGKILL or b"KeyboardInterrupt" in told
    for path in begun:
        for _ in range(600):  # a kernel looks once a second whether its parent is still there
            try:
                os.kill(int(path.read_text()), 0)
            except ProcessLookupError:
                break
            assert how == signal.SIGKILL
            time.sleep(0.1)
        else:
            pytest.fail("a page still runs")

    wait.unlink()
    assert book.run(*sorted(book.root.glob("book/*.md"))) == {}


def test_the_longest_begins(book, capsys, monkeypatch):
    seconds, keep = {"a": 1, "b": 9, "c": 5}, execute.keep
    monkeypatch.setattr(
        execute,
        "keep",
        lambda cache, run: keep(cache, replace(run, seconds=seconds[run.page.stem])),
    )

    def ran(count):
        pages = [book.write(name, page("", f"{name!r}, {count}")) for name in seconds]
        book.run(*pages, jobs=1)
        return [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[1:]]

    assert ran(1) == ["book/a.md", "book/b.md", "book/c.md"]  # nothing is known of any
    assert ran(2) == ["book/b.md", "book/c.md", "book/a.md"]


def test_kernels_are_made_before_pages_run(monkeypatch):
    asked = []
    monkeypatch.setenv("DLCOURSE_KERNELS", "on")
    monkeypatch.setattr(execute, "library", lambda dtype: asked.append(dtype.name) or "there")
    execute.prepare_kernels()
    assert asked == ["float32", "float64"] and os.environ["DLCOURSE_KERNELS"] == "on"
    # Or each page would say on standard error, and so fail, that there are none.
    monkeypatch.setattr(execute, "library", lambda dtype: None)
    execute.prepare_kernels()
    assert os.environ["DLCOURSE_KERNELS"] == "off"


def test_a_record_says_how_long_and_where(book):
    book.run(book.write("good", page("Good.", "1 + 1", "2 + 2")))
    cache = execute.open_cache(book.root / "_build" / ".jupyter_cache")
    (record,) = cache.list_cache_records()
    assert record.data["execution_seconds"] > sum(record.data["cells"]) > 0
    assert len(record.data["cells"]) == 2
    assert "cores" in record.data["machine"] and "NumPy" in record.data["machine"]
    text = json.dumps(cache.get_cache_bundle(record.pk).nb)
    assert "iopub" not in text  # times of the cells would change the code's key


def test_sphinx_shows_what_ran_again_and_when(book):
    pytest.importorskip("myst_nb")
    extensions = str(building.ROOT / "book" / "_ext")
    (book.root / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {extensions!r})\n"
        "extensions, root_doc = ['myst_nb', 'executed'], 'book/index'\n"
        "nb_execution_mode, exclude_patterns = 'cache', ['_build']\n"
        "nb_execution_cache_path = '_build/.jupyter_cache'\n"
    )
    book.write("index", "# The book\n\n```{toctree}\nbasket\nhow\n```\n")
    book.write("how", "# How\n\n```{execution-statistics}\n```\n")
    basket = book.write(
        "basket", page("", "import fruit.apples\nprint(fruit.apples.COUNT, 'apples')")
    )

    def build():
        command = [sys.executable, "-m", "sphinx", "-W", ".", "_build/html"]
        subprocess.run(command, cwd=book.root, check=True, capture_output=True)
        pages = ("basket", "how")
        return [(book.root / f"_build/html/book/{name}.html").read_text() for name in pages]

    assert book.run(basket) == {}
    shown, how = build()
    assert "10 apples" in shown
    assert "A page</span>" in how and " cores" in how

    (book.package / "apples.py").write_text("COUNT = 11\n")
    assert book.run(basket) == {}
    again, later = build()
    assert "11 apples" in again
    assert later != how


def test_the_book_says_how_each_of_its_pages_ran(html):
    shown = (html / "book" / "execution.html").read_text()
    pages = [path.relative_to(building.ROOT / "book") for path in building.pages(building.ROOT)]
    missing = [p for p in pages if f'href="{p.with_suffix(".html").as_posix()}"' not in shown]
    assert not missing
    assert "<td>failed" not in shown


@pytest.mark.parametrize("name", ["3-speed/gpu", "book/3-speed/gpu", "./book/3-speed/gpu.md"])
def test_one_page_is_found(name):
    assert building.find(name) == building.ROOT / "book" / "3-speed" / "gpu.md"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("book/3-speed/gqu", "did you mean 3-speed/gpu"),
        ("", "name it as in make page PAGE=book/3-speed/gpu"),
        ("book/../README", "README: there is no such page"),
    ],
)
def test_an_unknown_page_is_told(name, told):
    with pytest.raises(SystemExit, match="no such page") as stop:
        building.find(name)
    assert told in str(stop.value)


def test_no_cell_is_timed_out_early():
    assert execute.TIMEOUT >= 1800
    config = (building.ROOT / "_config.yml").read_text()
    assert f"timeout: {execute.TIMEOUT} " in config
