import errno
import math
import os
import stat
import subprocess
import sys
import zlib

import pytest

from dlcourse.files import (
    FileError,
    Found,
    atomic_write,
    check_writable,
    read_json,
    reading,
    write_json,
)

KILLED = """\
import os, signal, sys
from dlcourse.files import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_new_file_has_the_usual_permissions(tmp_path):
    with atomic_write(tmp_path / "folder" / "a") as file:
        file.write(b"x")
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(os.stat(tmp_path / "folder" / "a").st_mode) == stat.S_IMODE(
        os.stat(plain).st_mode
    )


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_has_its_name_only_when_complete(tmp_path):
    path = tmp_path / "a"
    with atomic_write(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_what_another_is_writing_is_no_leftover(tmp_path):
    path = tmp_path / "a"
    with atomic_write(path) as first, atomic_write(path) as second:
        second.write(b"two")
        first.write(b"one")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_was_writing_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a"
    process = subprocess.run([sys.executable, "-c", KILLED, path])
    assert process.returncode and len(list(tmp_path.iterdir())) == 1 and not path.exists()
    kept = tmp_path / ".a.swp"  # an editor's
    kept.touch()
    with atomic_write(path) as file:
        file.write(b"new")
    assert sorted(tmp_path.iterdir()) == [kept, path]


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)
    other = OSError(errno.ENOENT, "No such file", "other")
    with pytest.raises(OSError, match="other"), atomic_write(path):
        raise other
    assert not list(tmp_path.iterdir())


def test_folders_and_devices_are_not_written_over(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path, file / "inside", os.devnull):
        with pytest.raises(OSError, match="expected a"):
            check_writable(path)
        with pytest.raises(OSError, match="expected a"), atomic_write(path):
            pass
    check_writable(file)
    check_writable(tmp_path / "new" / "a")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_json_has_no_words_for_what_is_no_number(tmp_path, number):
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=r"a.json: expected finite numbers"):
        write_json(path, {"loss": [1.0, number]})
    assert not path.exists()


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a"), TypeError("a"), AttributeError("a"), NotImplementedError("a"), EOFError(),
        RuntimeError("a"), RecursionError("a"), MemoryError(), OverflowError("a"), SyntaxError("a"),
        zlib.error("a"), OSError(22, "a"), OSError("a"), ZeroDivisionError("a"), IndexError("a"),
        UnicodeDecodeError("utf-8", b"a", 0, 1, "a"), ValueError("a\nb\x1b[31m" + "c" * 1000),
    ],
)  # fmt: skip
def test_all_that_can_go_wrong_is_one_sentence_with_the_name(error, tmp_path):
    path = tmp_path / "a"
    path.touch()
    with pytest.raises(FileError) as found, reading(path, "an egg", "lay one"):
        raise error
    text = str(found.value)
    assert text.startswith(f"{path}: expected an egg, found a file that cannot be read (")
    assert type(error).__name__ in text and text.endswith("; lay one")
    assert text.isprintable() and len(text) < len(str(path)) + 250
    assert found.value.__cause__ is error


def test_what_was_found_is_said_and_errors_of_readers_pass(tmp_path):
    path = tmp_path / "a"
    path.touch()
    with (
        pytest.raises(FileError, match="a: expected an egg, found a stone; lay one$"),
        reading(path, "an egg", "lay one"),
    ):
        raise Found("a stone")
    with pytest.raises(FileError) as found, reading(path, "an egg", "lay one"):
        raise Found("a \x1b[31mstone\r\n\udc80" + "e" * 10**6)
    text = str(found.value)
    assert text.isprintable() and len(text) < len(str(path)) + 1100 and text.endswith("lay one")
    with pytest.raises(FileError, match="^b: is damaged$"), reading(path, "an egg", "lay one"):
        raise FileError("b: is damaged")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for name, found in (("", "found a folder"), ("pipe", "found something that is not a file")):
        with pytest.raises(FileError, match=found), reading(tmp_path / name, "an egg", "lay one"):
            pytest.fail("it was opened")
    for name in ("none", "file/none"):
        with (
            pytest.raises(FileNotFoundError, match=f"{name}: there is no such file; check the"),
            reading(tmp_path / name, "an egg", "lay one"),
        ):
            pytest.fail("it was opened")
    with (
        pytest.raises(FileNotFoundError, match="^no egg$"),
        reading(tmp_path / "none", "an egg", "lay one", missing="no egg"),
    ):
        pytest.fail("it was opened")
    for name in ("a" * 1000, "a\0b"):
        with (
            pytest.raises(FileError, match="found a file that cannot be read"),
            reading(tmp_path / name, "an egg", "lay one"),
        ):
            pytest.fail("it was opened")


def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a"
    path.touch()
    with (
        pytest.raises(PermissionError, match="a: this file may not be read; change its perm"),
        reading(path, "an egg", "lay one"),
    ):
        raise PermissionError(13, "Permission denied", "b")  # root may read everything


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "JSONDecodeError"),
        (b"\xff", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b"1" * 5000, "ValueError"),
        (b"[1]", "JSON of a list"),
        (b"null", "JSON of a NoneType"),
        (b" " * (2**24 + 1), "more than 16,777,216 bytes"),
    ],
)
def test_json_that_is_none(content, found, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=f"a.json: expected a record, found .*{found}.*; make it"):
        read_json(path, "a record", "make it again")
