"""What the code of a page reads is noted while it runs, and a change of it is noticed."""

import json
import os
import subprocess
import sys
import time

import inputs
import pytest

from dlcourse import native
from dlcourse.native.library import FOLDER

CODE = """
import json, pathlib, subprocess, sys, threadpoolctl
import dlcourse.used

def late():
    import dlcourse.late

late()
open("book/data.txt").read()
open("book/written.txt", "w").write("by the page")
list(pathlib.Path("src/dlcourse/weights").iterdir())
subprocess.run([sys.executable, "-c", "import dlcourse.by_a_child"], check=True)
"""


@pytest.fixture
def root(tmp_path):
    """A repository with a package of its own."""
    package = tmp_path / "src" / "dlcourse"
    (package / "weights").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "used.py").write_text("from dlcourse import indirect\n")
    for name in ("indirect", "late", "by_a_child", "unused"):
        (package / f"{name}.py").write_text(f"NAME = {name!r}\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "data.txt").write_text("10 apples")
    return tmp_path


def run(root, code, monkeypatch, folder=None):
    """Run code as a page is run, and return its inputs; the record of them lies in the folder."""
    record = (folder or root) / "record"
    record.touch()
    started = time.time() + 1  # files written a moment ago count as older than the run
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    environment = inputs.recording(record, root)
    subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, check=True)
    return inputs.recorded(record, started, root)


def names(found, kind):
    return {key.split(" ", 1)[1] for key in found if key.startswith(f"{kind} ")}


def test_what_is_read_is_noted(root, monkeypatch):
    found = run(root, CODE, monkeypatch)
    modules = {
        f"src/dlcourse/{n}.py" for n in ("__init__", "used", "indirect", "late", "by_a_child")
    }
    assert names(found, "file") == modules | {"book/data.txt"}
    assert names(found, "folder") == {"src/dlcourse/weights"}
    assert "threadpoolctl" in names(found, "package")
    assert "json" not in names(found, "package")  # comes with Python, whose version is noted
    assert json.loads(json.dumps(found)) == found
    assert inputs.changed(found, root) == []


def test_the_sources_of_kernels_are_read_and_the_compiler_is_no_python(tmp_path, monkeypatch):
    if not native.status()[0]:
        pytest.skip("there are no kernels")
    code = "import numpy as np; from dlcourse.nn import ReLU; ReLU()(np.ones(4, np.float32))"
    found = run(inputs.RECORDER.parents[1], code, monkeypatch, tmp_path)
    sources = {f"src/dlcourse/native/{path.name}" for path in FOLDER.glob("*.[ch]")}
    assert sources and sources <= names(found, "file")
    assert not names(found, "unseen")  # though its options are -E and others of Python's


def test_bytecode_stands_for_its_source(root, monkeypatch):
    first = run(root, "import dlcourse.used", monkeypatch)
    assert list((root / "src/dlcourse").glob("__pycache__/used.*")) or sys.dont_write_bytecode
    assert names(run(root, "import dlcourse.used", monkeypatch), "file") == names(first, "file")


@pytest.mark.parametrize("name", ["used", "indirect", "late", "by_a_child"])
def test_a_changed_module_is_noticed(root, monkeypatch, name):
    found = run(root, CODE, monkeypatch)
    path = root / "src" / "dlcourse" / f"{name}.py"
    text = path.read_text()
    path.write_text(text + "# a change\n")
    assert inputs.changed(found, root) == [f"file src/dlcourse/{name}.py"]
    path.write_text(text)
    assert inputs.changed(found, root) == []
    path.unlink()
    assert inputs.changed(found, root) == [f"file src/dlcourse/{name}.py"]


def test_what_was_not_read_does_not_matter(root, monkeypatch):
    found = run(root, CODE, monkeypatch)
    (root / "src/dlcourse/unused.py").write_text("NAME = 'another'\n")
    (root / "src/dlcourse/new.py").touch()
    (root / "book/page.md").write_text("Prose.\n")
    assert inputs.changed(found, root) == []


def test_data_folders_versions_and_settings_are_noticed(root, monkeypatch):
    found = run(root, CODE, monkeypatch)
    (root / "book/data.txt").write_text("11 apples")
    (root / "src/dlcourse/weights/new.npz").touch()
    monkeypatch.setenv("DLCOURSE_KERNELS", "off")
    monkeypatch.setattr(inputs, "_version", lambda distribution: "1000")
    changes = inputs.changed(found, root)
    wanted = ["environment ", "file book/data.txt", "folder src/dlcourse/weights"]
    assert {*wanted, "package threadpoolctl"} <= {*changes}


def test_a_package_that_was_looked_for_is_noticed_when_it_comes(root, monkeypatch):
    code = "import importlib.util\nassert importlib.util.find_spec('not_yet_there') is None"
    found = run(root, code, monkeypatch)
    packages = {**inputs._packages(), "not_yet_there": ["threadpoolctl"]}
    monkeypatch.setattr(inputs, "_packages", lambda: packages)
    assert inputs.changed(found, root) == ["package not_yet_there"]


@pytest.mark.parametrize(
    "call",
    ["[sys.executable, '-I', '-c', 'pass']", "[sys.executable, '-c', 'pass'], env={}"],
    ids=["isolated", "without the environment"],
)
def test_a_process_that_is_not_followed_may_have_read_anything(root, monkeypatch, call):
    found = run(root, f"import subprocess, sys\nsubprocess.run({call}, check=True)", monkeypatch)
    assert names(found, "unseen")
    assert inputs.changed(found, root) == []
    (root / "src/dlcourse/unused.py").write_text("NAME = 'another'\n")
    assert inputs.changed(found, root) == ["unseen "]


def test_a_file_that_changed_while_the_page_ran_makes_it_run_again(root, monkeypatch):
    code = "import os\nopen('book/data.txt').read()\nos.utime('book/data.txt', (2**33, 2**33))"
    found = run(root, code, monkeypatch)
    assert inputs.changed(found, root) == ["file book/data.txt"]


def test_what_is_built_or_installed_in_the_repository_is_no_input(root, monkeypatch):
    for name in ("_build/a.txt", ".venv/b.txt"):
        (root / name).parent.mkdir()
        (root / name).touch()
    found = run(root, "open('_build/a.txt')\nopen('.venv/b.txt')", monkeypatch)
    assert not names(found, "file")


def test_it_costs_nothing_where_nobody_asks(root):
    environment = {**os.environ, "PYTHONPATH": str(inputs.RECORDER)}
    environment.pop("PAGE_RECORD", None)
    code = "import sys; assert not any('Packages' in str(f) for f in sys.meta_path)"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
