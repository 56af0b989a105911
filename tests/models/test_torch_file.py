"""Files that only look like weights; real ones are read in tests/parity/test_torch_file.py."""

import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from torch_files import Storage, Tensor, as_old, as_zip

from dlcourse.models.torch_file import read_torch_file


class Evil:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


both = pytest.mark.parametrize("write", [as_zip, as_old])
SIX = np.arange(6, dtype=np.float32).tobytes()


@both
def test_arrays(write, tmp_path):
    storage = Storage("0", 6)
    state = OrderedDict(
        a=Tensor(storage, 0, (2, 3), (3, 1), False, OrderedDict()),
        turned=Tensor(storage, 0, (3, 2), (1, 3), False, OrderedDict()),
        one=Tensor(storage, 5, (), (), False, OrderedDict()),
        none=Tensor(storage, 0, (0, 4), (4, 1), False, OrderedDict()),
    )
    arrays = read_torch_file(write(tmp_path / "a.pth", state, SIX))
    assert list(arrays) == ["a", "turned", "one", "none"]
    np.testing.assert_array_equal(arrays["a"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(arrays["turned"], arrays["a"].T)
    assert arrays["one"] == 5 and arrays["none"].shape == (0, 4)
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    arrays["a"][...] = 0  # of their own, not the file's
    assert arrays["turned"][2, 1] == 5


@both
def test_a_pickle_cannot_call_anything(write, tmp_path):
    folder = tmp_path / "made by the file"
    path = write(tmp_path / "evil.pth", {"a": Evil(folder)})
    with pytest.raises(ValueError, match=r"found a \w+.mkdir, which weights have no need of"):
        read_torch_file(path)
    assert not folder.exists()


@both
@pytest.mark.parametrize(
    "view",
    [
        (3, (2, 2), (2, 1)),  # past the end
        (-1, (2,), (1,)),  # before the start
        (5, (2,), (-1,)),
        (0, (10**9,), (0,)),  # gigabytes of one number
        (0, (7,), (1,)),
    ],
)
def test_arrays_outside_of_their_numbers(write, view, tmp_path):
    state = {"a": Tensor(Storage("0", 6), *view, False, OrderedDict())}
    path = write(tmp_path / "a.pth", state, SIX)
    with pytest.raises(ValueError, match="a a that lies outside of its numbers"):
        read_torch_file(path)


@both
def test_announced_numbers_have_to_be_there(write, tmp_path):
    state = {"a": Tensor(Storage("0", 10**12), 0, (2,), (1,), False, OrderedDict())}
    with pytest.raises(ValueError, match="a.pth: expected arrays by name.*download it again"):
        read_torch_file(write(tmp_path / "a.pth", state, SIX))


@both
@pytest.mark.parametrize(
    ("state", "found"),
    [
        ([1], "a list in place of a dictionary"),
        ({"epoch": 3}, "a int under the name 'epoch'"),
        ({"model": {}}, "a dict under the name 'model'"),
    ],
)
def test_other_contents(write, state, found, tmp_path):
    with pytest.raises(ValueError, match=f"found {found}"):
        read_torch_file(write(tmp_path / "a.pth", state))


def test_truncated_files(tmp_path):
    state = {"a": Tensor(Storage("0", 6), 0, (6,), (1,), False, OrderedDict())}
    path = tmp_path / "a.pth"
    for write in (as_zip, as_old):
        whole = write(path, state, SIX).read_bytes()
        for length in range(0, len(whole), 7):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match="the file is damaged or of another kind"):
                read_torch_file(path)


def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "a.pth"
    with pytest.raises(FileNotFoundError, match=r"no weights file .*a.pth"):
        read_torch_file(path)
    path.write_bytes(b"<html>please log in</html>")
    with pytest.raises(ValueError, match=r"cannot be read \(UnpicklingError\)"):
        read_torch_file(path)
    np.savez(path.with_suffix(".npz"), a=np.ones(2))
    path.with_suffix(".npz").rename(path)
    with pytest.raises(ValueError, match=r"a zip archive without a data.pkl"):
        read_torch_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({}))
        archive.writestr("x/byteorder", "middle")
    with pytest.raises(ValueError, match="numbers in middle-endian order"):
        read_torch_file(path)
