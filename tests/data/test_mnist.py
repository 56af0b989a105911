import shutil

import numpy as np
import pytest

from dlcourse.data import DataFileError, load_mnist
from dlcourse.data.mnist import _EMBEDDED


def test_mnist_is_whole():
    train, test = load_mnist()
    assert train.images.shape == (60000, 1, 28, 28) and test.images.shape == (10000, 1, 28, 28)
    assert train.classes == tuple("0123456789")
    # The counts of each digit as published, and mean and deviation as everyone uses them.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    np.testing.assert_array_equal(np.bincount(train.labels), counts)
    np.testing.assert_allclose(train.images.mean(dtype=np.float64), 0.1307, atol=5e-5)
    np.testing.assert_array_equal(train.labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    np.testing.assert_array_equal(test.labels[:10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])


def test_another_folder_and_a_truncated_file(tmp_path):
    shutil.copytree(_EMBEDDED, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataFileError, match="t10k-labels.*; replace it, or leave `folder` out"):
        load_mnist(tmp_path)


def test_a_damaged_package_is_to_be_reinstalled(tmp_path, monkeypatch):
    monkeypatch.setattr("dlcourse.data.mnist._EMBEDDED", tmp_path)
    with pytest.raises(FileNotFoundError, match="reinstall the package from its repository"):
        load_mnist()
