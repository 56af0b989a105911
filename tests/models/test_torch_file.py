"""Files that only look like weights; real ones are read in tests/parity/test_torch_file.py."""

import os
import pickle
import zipfile
from collections import OrderedDict

import ml_dtypes
import numpy as np
import pytest
from torch_files import Storage, Tensor, as_old, as_zip, described

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
    ("view", "found"),
    [
        ((3, (2, 2), (2, 1)), "'a' that lies outside its numbers"),  # past the end
        ((-1, (2,), (1,)), "'a' of negative sizes"),  # before the start
        ((5, (2,), (-1,)), "'a' of negative sizes"),
        ((0, (10**9,), (0,)), "'a' that repeats its numbers, .*: save a clone"),  # gigabytes
        ((0, (3, 4), (1, 0)), "'a' that repeats its numbers"),
        ((0, (2**40,) * 80, (0,) * 80), "an array of 80 axes"),
        ((0, (2, 3), (3,)), "an array of 2 axes with 1 strides"),
        ((0, (2.0,), (1,)), "a float in place of a int"),
        ((0, [2], (1,)), "a list in place of a tuple"),
        ((True, (2,), (1,)), "a bool in place of a int"),
    ],
)
def test_arrays_that_lie(write, view, found, tmp_path):
    state = {"a": Tensor(Storage("0", 6), *view, False, OrderedDict())}
    path = write(tmp_path / "a.pth", state, SIX)
    with pytest.raises(ValueError, match=f"a.pth: expected arrays by name, .*{found}"):
        read_torch_file(path)


@both
@pytest.mark.parametrize("announced", [5, 7, 10**12])
def test_announced_numbers_have_to_be_there(write, announced, tmp_path):
    state = {"a": Tensor(Storage("0", announced), 0, (2,), (1,), False, OrderedDict())}
    with pytest.raises(ValueError, match=f"found 24 bytes for {announced:,} numbers, which ta"):
        read_torch_file(write(tmp_path / "a.pth", state, SIX))


@both
def test_names_of_one_view_share_an_array(write, tmp_path):
    tied = Tensor(Storage("0", 6), 0, (6,), (1,), False, OrderedDict())
    state = {f"name{i}": tied for i in range(1000)}  # 24 kB, were they apart
    arrays = read_torch_file(write(tmp_path / "a.pth", state, SIX))
    assert len(arrays) == 1000 and len({id(array) for array in arrays.values()}) == 1


@both
def test_views_take_no_more_than_the_file_has(write, tmp_path):
    numbers = np.zeros(1000, np.float32).tobytes()
    views = [(0, (1000 - i,), (1,)) for i in range(200)]
    state = {
        f"n{i}": Tensor(Storage("0", 1000), *view, False, OrderedDict())
        for i, view in enumerate(views)
    }
    with pytest.raises(ValueError, match="take more memory than the file has bytes"):
        read_torch_file(write(tmp_path / "a.pth", state, numbers))


def pickled(*instructions):
    return b"\x80\x02" + b"".join(instructions) + b"."


@pytest.mark.parametrize(
    ("pkl", "found"),
    [
        # The memo of Python's own machine is an array: this would take 8 GiB.
        (pickled(b"}r", (2**30).to_bytes(4, "little")), "numbers what it keeps as no writer does"),
        # To hash nested tuples takes a frame of the stack each.
        (pickled(b"}K\x01", b"\x85" * 200_000, b"K\x01s"), "a tuple in place of a str"),
        (pickled(b"}K\x01K\x01s"), "a int in place of a str"),
        (pickled(b"\x8c\x01a"), "the instruction SHORT_BINUNICODE in a pickle"),
        (pickled(b"cos\nsystem\n(tR"), "a os.system, which weights have no need of"),
        (pickled(b"(ios\nsystem\n"), "the instruction INST"),
        (pickled(b"]Nb"), "a list in place of a dict"),
        (pickled(b"N" * 1_000_001), "more than 1,000,000 instructions"),
        (pickled(b"((1"), "the instruction POP_MARK"),
        (b"\x80\x02X\xff\xff\xff\x7fabc", "a file that cannot be read .ValueError"),
        (b"\x80\x02\x8b\xff\xff\xff\x7fabc", "a file that cannot be read"),
        (b"\x80\x02B\xff\xff\xff\x7fabc", "a file that cannot be read"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x3fabc", "a file that cannot be read"),
        (b"I" + b"9" * 5000 + b"\n.", "a file that cannot be read .ValueError"),
    ],
)
def test_pickles_that_torch_does_not_write(pkl, found, tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pkl)
    with pytest.raises(ValueError, match=f"a.pth: expected .*{found}"):
        read_torch_file(path)
    path.write_bytes(pkl)
    with pytest.raises(ValueError, match=r"a.pth: expected arrays by name") as error:
        read_torch_file(path)
    assert not isinstance(error.value.__cause__, MemoryError)


def test_compressed_files_are_refused_before_they_are_unpacked(tmp_path):
    path = tmp_path / "a.pth"
    state = {"a": Tensor(Storage("0", 6), 0, (6,), (1,), False, OrderedDict())}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", described(state))
        archive.writestr("archive/data/0", bytes(2**22))
    with pytest.raises(ValueError, match="found compressed or overlapping entries"):
        read_torch_file(path)


def test_metadata_of_a_state_is_passed_over(tmp_path):
    state = OrderedDict(a=Tensor(Storage("0", 6), 0, (6,), (1,), False, OrderedDict()))
    state._metadata = OrderedDict({"": {"version": 1}})
    arrays = read_torch_file(as_zip(tmp_path / "a.pth", state, SIX))
    np.testing.assert_array_equal(arrays["a"], np.arange(6))


def test_bfloat16(tmp_path):
    state = {"a": Tensor(Storage("0", 3, "BFloat16Storage"), 0, (3,), (1,), False, OrderedDict())}
    numbers = np.array([1, -2, 0.5], ml_dtypes.bfloat16).tobytes()
    a = read_torch_file(as_zip(tmp_path / "a.pth", state, numbers))["a"]
    assert a.dtype == np.float32 and a.tolist() == [1, -2, 0.5]


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
    with pytest.raises(ValueError, match=r"cannot be read \(ValueError: at position 0"):
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
