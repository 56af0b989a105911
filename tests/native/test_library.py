"""Kernels are compiled once, whoever comes first, and whatever is wrong is told in one line."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dlcourse import native
from dlcourse.native import compiler, library

GCC = shutil.which("gcc")
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="uses scripts of a POSIX shell"),
    pytest.mark.skipif(not GCC, reason="needs gcc: apt-get install gcc"),
]
FLOAT, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
#: A process that uses kernels first; it takes the folder of their sources.
FIRST = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "import sys; from pathlib import Path; import numpy as np; from dlcourse.native import library;"
    "library.FOLDER = Path(sys.argv[1]); print(library.library(np.dtype(np.float32)).size())"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Sources of a small library, an empty cache, and nothing known; gives their folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DLCOURSE_KERNELS", raising=False)
    monkeypatch.delenv("CC", raising=False)
    sources = tmp_path / "sources"
    sources.mkdir()
    shutil.copy(library.FOLDER / "vector.h", sources)
    (sources / "size.c").write_text(
        '#include "vector.h"\nAPI int size(void) { return sizeof(REAL); }\n'
    )
    monkeypatch.setattr(library, "FOLDER", sources)
    forget(monkeypatch)
    return sources


def forget(monkeypatch):
    """Let the next use be the first."""
    monkeypatch.setattr(library, "_found", {})


def kept():
    return sorted(path for path in library.folder().glob("*") if path.suffix != ".lock")


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def age(path):
    old = time.time() - 40 * 24 * 3600
    os.utime(path, (old, old))


def first_use(folder, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", FIRST, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# -- compiled once, and found again -------------------------------------------------------


def test_is_compiled_once_for_each_dtype_and_says_so(folder, monkeypatch, caplog):
    assert library.library(FLOAT).size() == 4 and library.library(DOUBLE).size() == 8
    told = [record.message for record in caplog.records]
    assert [line.partition(" in C for ")[2].split()[0] for line in told] == ["float32", "float64"]
    assert all(str(library.folder()) in line for line in told)
    forget(monkeypatch)
    assert library.library(FLOAT).size() == 4
    assert len(caplog.records) == 2 and len(kept()) == 2


def test_importing_compiles_nothing(tmp_path):
    cc = script(tmp_path / "cc", f"touch {tmp_path}/asked")
    code = (
        "import sys; import dlcourse.nn, dlcourse.native; assert 'platformdirs' not in sys.modules"
    )
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], env={"CC": cc, "PYTHONPATH": path}, check=True)
    assert not (tmp_path / "asked").exists()


def change_source(folder, monkeypatch):
    (folder / "size.c").write_text((folder / "size.c").read_text() + "\n")


def change_header(folder, monkeypatch):
    (folder / "vector.h").write_text((folder / "vector.h").read_text() + "\n")


def change_name(folder, monkeypatch):
    (folder / "size.c").rename(folder / "sizes.c")


def change_flags(folder, monkeypatch):
    monkeypatch.setattr(compiler, "FLAGS", (*compiler.FLAGS, "-g"))


def change_command(folder, monkeypatch):
    monkeypatch.setenv("CC", f"{GCC} -g")


def change_compiler(folder, monkeypatch):
    """The command stays the same."""
    script(folder / "cc", f'exec {GCC} -U__VERSION__ -D__VERSION__=\'"99.1"\' "$@"')


def change_processor(folder, monkeypatch):
    """What `-march=native` means is another thing."""
    script(folder / "cc", f'exec {GCC} -D__NEW_INSTRUCTIONS__=1 "$@"')


@pytest.mark.parametrize(
    "change",
    [
        change_source,
        change_header,
        change_name,
        change_flags,
        change_command,
        change_compiler,
        change_processor,
    ],
)
def test_another_library_for_another(folder, monkeypatch, change):
    monkeypatch.setenv("CC", script(folder / "cc", f'exec {GCC} "$@"'))
    library.library(FLOAT)
    (before,) = kept()
    change(folder, monkeypatch)
    forget(monkeypatch)
    assert library.library(FLOAT).size() == 4
    assert before in kept() and len(kept()) == 2


def test_a_damaged_file_is_made_anew(folder, monkeypatch, caplog):
    library.library(FLOAT)
    (file,) = kept()
    content = file.read_bytes()
    file.unlink()  # this process runs what it holds
    file.write_bytes(content[: len(content) // 2])
    forget(monkeypatch)
    assert library.library(FLOAT).size() == 4
    assert len(caplog.records) == 2 and kept() == [file] and len(file.read_bytes()) == len(content)


# -- several at once ----------------------------------------------------------------------


def test_several_processes_at_once(folder):
    processes = [first_use(folder) for _ in range(4)]
    ends = [process.communicate(timeout=300) for process in processes]
    assert [out for out, _ in ends] == ["4\n"] * 4
    assert sum(error.count("compiled its kernels") for _, error in ends) == 1
    assert sum(len(error.splitlines()) for _, error in ends) == 1
    assert len(kept()) == 1


def test_several_threads_at_once(folder, caplog):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(library.library(FLOAT))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1 and len(caplog.records) == 1


def test_what_has_not_been_used_for_a_month_is_removed(folder, monkeypatch):
    library.library(FLOAT)
    (used,) = kept()
    left = [library.folder() / ".half", library.folder() / "1-1.so", library.folder() / "1.lock"]
    left[0].mkdir()
    (left[0] / "size.o").touch()
    for path in left[1:]:
        path.touch()
    for path in [used, *left]:
        age(path)
    forget(monkeypatch)
    assert library.library(FLOAT).size() == 4  # it is used
    assert all(path.exists() for path in left)
    assert library.library(DOUBLE).size() == 8  # it is made
    assert used in kept() and len(kept()) == 2 and not any(path.exists() for path in left)


def waiting(folder):
    """A compiler that begins to compile, and goes on when there is a file `go`."""
    wait = f"touch {folder}/begun; while [ ! -e {folder}/go ]; do sleep 0.05; done"
    return script(folder / "cc", f'case "$*" in *" -c "*) {wait};; esac; exec {GCC} "$@"')


def test_a_process_that_is_killed_while_it_compiles_leaves_no_harm(folder):
    cc = waiting(folder)
    killed = first_use(folder, CC=cc)
    while not (folder / "begun").exists():
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    (folder / "go").touch()
    out, error = first_use(folder, CC=cc).communicate(timeout=300)
    assert out == "4\n", error


def test_ctrl_c_while_it_compiles_leaves_nothing(folder):
    cc = waiting(folder)
    stopped = first_use(folder, CC=cc)
    while not (folder / "begun").exists():
        time.sleep(0.01)
    os.killpg(stopped.pid, signal.SIGINT)
    error = stopped.communicate(timeout=60)[1]
    assert stopped.returncode == -signal.SIGINT and error.endswith("\nKeyboardInterrupt\n")
    assert list(library.folder().iterdir()) == []
    (folder / "go").touch()
    assert first_use(folder, CC=cc).communicate(timeout=300)[0] == "4\n"


def test_a_child_compiles_what_its_parent_was_about_to(folder):
    """The thread that compiles is not in the child, and holds no lock there."""
    code = """
import os, sys, threading, time, warnings
from pathlib import Path
import numpy as np
from dlcourse.native import library
warnings.simplefilter("ignore")
folder = library.FOLDER = Path(sys.argv[1])
use = lambda: library.library(np.dtype(np.float32)).size()
thread = threading.Thread(target=use)
thread.start()
while not (folder / "begun").exists():
    time.sleep(0.01)
child = os.fork()
if not child:
    os._exit(use())
(folder / "go").touch()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), use())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "CC": waiting(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "4 4\n", done.stderr


# -- which compiler -----------------------------------------------------------------------


def test_the_next_compiler_where_the_first_fails(folder, monkeypatch):
    script(folder / "cc", "echo error: no headers >&2; exit 1")
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    assert library.library(FLOAT).size() == 4
    there, told = native.status()
    assert there and told.startswith("gcc ")


def test_a_compiler_that_has_another_word_for_this_processor(folder, monkeypatch):
    cc = script(folder / "cc", f'case "$*" in *-march=native*) exit 1;; esac; exec {GCC} "$@"')
    monkeypatch.setenv("CC", cc)
    assert library.library(FLOAT).size() == 4
    assert native.status()[1].endswith("-mcpu=native")


def test_a_compiler_that_knows_no_word_for_it(folder, monkeypatch):
    cc = script(folder / "cc", f'case "$*" in *native*) exit 1;; esac; exec {GCC} "$@"')
    monkeypatch.setenv("CC", cc)
    assert library.library(FLOAT).size() == 4
    assert "native" not in native.status()[1]


def test_the_compiler_of_ziglang(folder, monkeypatch):
    pytest.importorskip("ziglang", reason="needs Zig: pip install ziglang")
    monkeypatch.setenv("PATH", "")
    assert library.library(FLOAT).size() == 4
    assert native.status()[1].startswith("clang ")


# -- none ---------------------------------------------------------------------------------


def without(folder, monkeypatch, caplog):
    """What is told, in one line for both dtypes, where there are no kernels."""
    assert library.library(FLOAT) is None and library.library(DOUBLE) is None
    assert not native.has_kernels(np.zeros(3, np.float32))
    (record,) = caplog.records
    there, told = native.status()
    assert not there and told in record.message and "\n" not in record.message
    assert "DLCOURSE_KERNELS=off" in record.message
    return told


def test_no_compiler(folder, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    told = without(folder, monkeypatch, caplog)
    assert told == "there is no C compiler; `python -m pip install ziglang` brings a compiler"


def test_cc_that_is_no_compiler(folder, monkeypatch, caplog):
    monkeypatch.setenv("CC", "/nowhere/cc -g")
    told = without(folder, monkeypatch, caplog)
    assert told.startswith("/nowhere/cc -g cannot be run (No such file or directory); CC has to")


@pytest.mark.parametrize("cc", ["gcc '", " "])
def test_cc_without_sense(folder, monkeypatch, caplog, cc):
    monkeypatch.setenv("CC", cc)
    assert f"{cc} cannot be run (No such file" in without(folder, monkeypatch, caplog)


def test_cc_that_is_empty_is_not_set(folder, monkeypatch, caplog):
    monkeypatch.setenv("CC", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install ziglang" in without(folder, monkeypatch, caplog)


def test_a_compile_that_fails(folder, monkeypatch, caplog):
    monkeypatch.setenv("CC", GCC)
    (folder / "wrong.c").write_text("int one = two;\n")
    told = without(folder, monkeypatch, caplog)
    assert "does not compile them" in told and "wrong.c:1:11: error: 'two' undeclared" in (
        told.replace("\N{LEFT SINGLE QUOTATION MARK}", "'").replace(
            "\N{RIGHT SINGLE QUOTATION MARK}", "'"
        )
    )
    assert kept() == []


def test_a_cache_that_cannot_be_written(folder, monkeypatch, caplog, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    told = without(folder, monkeypatch, caplog)
    assert "Not a directory" in told and f"{library.folder()} has to be yours alone" in told


def test_a_user_without_a_home(folder, monkeypatch, caplog):
    monkeypatch.setattr(library, "folder", lambda: Path("~/kernels"))  # what platformdirs gives
    told = without(folder, monkeypatch, caplog)
    assert told.startswith("you have no home folder, and HOME is not set; ~/kernels has to be")
    assert not Path("~").exists()


def test_a_folder_without_programs(folder, monkeypatch, caplog):
    """Its file system is mounted with `noexec`."""

    def refused(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(library.ctypes, "CDLL", refused)
    assert "to load programs from" in without(folder, monkeypatch, caplog)


@pytest.mark.parametrize("what", ["folder", "file"])
@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_what_others_may_write_is_not_loaded(folder, monkeypatch, caplog, what, mode):
    library.library(FLOAT)
    library.library(DOUBLE)
    for path in [library.folder()] if what == "folder" else kept():
        path.chmod(mode)
    forget(monkeypatch)
    caplog.clear()
    assert library.library(FLOAT) is None
    assert "may be written by others and is not loaded: remove it" in caplog.text


def test_what_belongs_to_another_user_is_not_loaded(folder, monkeypatch, caplog):
    library.library(FLOAT)
    forget(monkeypatch)
    caplog.clear()
    if os.getuid() == 0:
        os.chown(library.folder(), 12345, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert "belongs to another user and is not loaded" in without(folder, monkeypatch, caplog)


def test_a_mask_that_lets_the_group_write_does_not_matter(folder, monkeypatch):
    before = os.umask(0o002)
    try:
        assert library.library(FLOAT).size() == 4
        forget(monkeypatch)
        assert library.library(FLOAT).size() == 4
    finally:
        os.umask(before)


def test_switched_off(folder, monkeypatch, caplog):
    monkeypatch.setenv("DLCOURSE_KERNELS", "off")
    assert library.library(FLOAT) is None and not caplog.records
    assert native.status() == (False, "switched off by DLCOURSE_KERNELS=off")


def test_a_switch_in_no_known_position(folder, monkeypatch):
    monkeypatch.setenv("DLCOURSE_KERNELS", "of")
    with pytest.raises(ValueError, match="DLCOURSE_KERNELS must be one of on, off, found 'of'"):
        library.library(FLOAT)


def test_the_doctor_tells(run):
    code, out, _ = run("doctor")
    (line,) = [line for line in out.splitlines() if line.split()[1] == "kernels"]
    there, told = native.status()
    assert code == 0 and line.startswith("ok" if there else "missing") and line.endswith(told)


def test_source():
    names = [path.name for path in Path(native.__file__).parent.glob("*.[ch]")]
    assert "pool.c" in names and all(native.source(name) for name in names)
