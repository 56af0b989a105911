import gzip
import hashlib
import struct

import numpy as np
import pytest

from dlcourse.data import DataFileError
from dlcourse.data.idx import FILES, load_idx_dataset, parse_idx


def to_idx(array):
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    ) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """Write four small files as MNIST's, with 7 and 3 images; return folder and checksums."""
    rng = np.random.default_rng(0)
    checksums = []
    for name in FILES:
        n = 7 if name.startswith("train") else 3
        shape = (n, 5, 4) if "images" in name else (n,)
        content = to_idx(rng.integers(0, 10 if len(shape) == 1 else 256, shape, np.uint8))
        checksums.append(hashlib.sha256(content).hexdigest())
        (tmp_path / name).write_bytes(gzip.compress(content))
    return tmp_path, checksums


def load(folder):
    return load_idx_dataset(*folder, tuple("0123456789"), "buy a new one")


@pytest.mark.parametrize("shape", [(4,), (2, 3, 5), (0, 3)])
def test_parse_idx_round_trip(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(parse_idx(to_idx(array)), array)


@pytest.mark.parametrize("length", [0, 3, 4, 11])
def test_parse_idx_without_a_whole_header(length):
    with pytest.raises(ValueError, match="expected the header of an IDX file"):
        parse_idx(to_idx(np.zeros((2, 2), np.uint8))[:length])


def test_parse_idx_of_floats():
    with pytest.raises(ValueError, match="found the bytes 00 00 0d 01"):
        parse_idx(bytes([0, 0, 0x0D, 1, 0, 0, 0, 0]))


@pytest.mark.parametrize("extra", [b"", b"12"])
def test_parse_idx_with_values_missing_or_left_over(extra):
    content = to_idx(np.zeros((2, 2), np.uint8))[:-1] + extra
    with pytest.raises(ValueError, match=f"expected 4 values of shape .*found {3 + len(extra)}"):
        parse_idx(content)


def test_load(folder):
    path, _ = folder
    train, test = load(folder)
    assert train.images.shape == (7, 1, 5, 4) and test.images.shape == (3, 1, 5, 4)
    raw = parse_idx(gzip.decompress((path / FILES[0]).read_bytes()))
    np.testing.assert_array_equal(train.images[:, 0], raw.astype(np.float32) / np.float32(255))
    raw = parse_idx(gzip.decompress((path / FILES[3]).read_bytes()))
    np.testing.assert_array_equal(test.labels, raw)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda gz: gz[:-20],
            "expected a whole gzip file, found a file that cannot .*EOF",
        ),
        (lambda gz: gz[:10] + b"\xff\xff\xff" + gz[13:], "expected a whole gzip file"),
        (lambda gz: gz[:-8] + b"\0" * 8, "expected a whole gzip file"),
        (lambda gz: b"<html>", "expected a whole gzip file"),
        (lambda gz: b"", "expected content with sha256 .*, found e3b0c44298fc"),
        (
            lambda gz: gzip.compress(bytes(2**26 + 1)),
            "unpacks to more than 67,108,864",
        ),
        (lambda gz: gzip.compress(gzip.decompress(gz)[:-1]), "expected content with sha256"),
        (lambda gz: gzip.compress(gzip.decompress(gz)[:-1] + b"\xfe"), "expected content"),
    ],
)
def test_damage_is_one_error_that_names_file_and_remedy(folder, name, damage, message):
    path = folder[0] / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataFileError, match=message) as error:
        load(folder)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).endswith("; buy a new one")
    assert isinstance(error.value, ValueError)


def test_missing_file(folder):
    (folder[0] / FILES[2]).unlink()
    with pytest.raises(FileNotFoundError, match=f"{FILES[2]}: there is no such file; buy a new"):
        load(folder)
