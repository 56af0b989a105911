"""What a user of PyTorch writes by habit about data sets."""

import numpy as np
import pytest
import told

from dlcourse import data
from dlcourse.data import Dataset, batches

RNG = np.random.default_rng(0)
IMAGES, LABELS, CLASSES = RNG.random((5, 1, 4, 4), np.float32), np.arange(5), tuple("abcde")


def test_indexing_and_iterating():
    whole = Dataset(IMAGES, LABELS, CLASSES)
    image, label = whole[3]
    assert image.shape == (1, 4, 4)
    assert label == 3
    images, labels = whole[1:4]
    assert images.shape == (3, 1, 4, 4)
    assert labels.tolist() == [1, 2, 3]
    assert whole[np.array([4, 0])][1].tolist() == [4, 0]
    assert [int(label) for _, label in whole] == [0, 1, 2, 3, 4]
    for indices in batches(len(whole), 2):  # the loop that the hint for DataLoader names
        x, y = whole[indices]
        assert len(x) == len(y) > 0
    with pytest.raises(IndexError):
        whole[5]


TOLD = r"""
data.DataLoader  # AttributeError: batches(len(data), 32, rng)
data.TensorDataset  # AttributeError: Dataset(images, labels, cl
data.random_split  # AttributeError: data.split(n, rng)
data.MNIST  # AttributeError: load_mnist()
Dataset(IMAGES, LABELS, 10)  # TypeError: tuple(map(str, range(10)))
Dataset(IMAGES, LABELS, "abcde")  # TypeError: names of the
Dataset(IMAGES.tolist(), LABELS, CLASSES)
    TypeError: images must be an array of NumPy or CuPy, found list
Dataset((IMAGES * 255).astype(np.uint8), LABELS, CLASSES)
    ValueError: write images.astype(np.float32) / 255
Dataset(IMAGES.astype(float), LABELS, CLASSES)  # ValueError: write images.astype(np.float32)
Dataset(IMAGES[:, 0], LABELS, CLASSES)  # ValueError: images[:, None]
Dataset(IMAGES, LABELS.astype(np.int32), CLASSES)  # ValueError: write labels.astype(np.int64)
Dataset((IMAGES - 0.5) / 0.5, LABELS, CLASSES)
    ValueError: BatchNorm2d(channels) as its first layer
Dataset(IMAGES, LABELS, CLASSES).split(2, 0)
    TypeError: Dataset.split(2, rng=np.random.default_rng(0))
batches(5, 2, 0)  # TypeError: batches(5, 2, rng=np.random.
data.Shift(2)(IMAGES)  # TypeError: Shift(...)(..., rng=np.random.default_rng(0))
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)
