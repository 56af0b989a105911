import errno
import math
import os
import stat

import pytest

from dlcourse.files import atomic_write, check_writable, remove_leftovers, write_json


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
    left = tmp_path / ".a.killed"
    left.touch()
    with atomic_write(path) as file:
        file.write(b"new")
        remove_leftovers(path)
        assert not left.exists()
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


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
