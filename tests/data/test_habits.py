"""What a user is told of data sets: by habit from PyTorch, or by mistake."""

import numpy as np
import pytest
import told

from dlcourse import data
from dlcourse.data import Dataset, batches
from dlcourse.data.augment import warp

RNG = np.random.default_rng(0)
IMAGES, LABELS, CLASSES = RNG.random((5, 1, 4, 4), np.float32), np.arange(5), tuple("abcde")


def few(images=IMAGES, labels=LABELS):
    return Dataset(images, labels, CLASSES)


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
few(IMAGES.astype(float))  # ValueError: float32 of shape (N, C, H, W), found float64
few(IMAGES[:, 0])  # ValueError: found float32 of shape (5, 4, 4)
few(labels=LABELS[:4])  # ValueError: found int64 of shape (4,)
few(labels=LABELS.astype(np.int32))  # ValueError: found int32
few(labels=LABELS[:, None])  # ValueError: found int64 of shape (5, 1)
few(IMAGES[:0], LABELS[:0])  # ValueError: at least one image
few(np.round(IMAGES) * 255)  # ValueError: from 0 to 1, found 0 to 255
few(np.round(IMAGES) - 1)  # ValueError: from 0 to 1, found -1 to 0
few(IMAGES * np.float32("nan"))  # ValueError: found nan
few(labels=LABELS + 1)  # ValueError: from 0 to 4 for 5 classes, found 5
few(labels=LABELS - 1)  # ValueError: from 0 to 4 for 5 classes, found -1
few().split(0, RNG)  # ValueError: from 1 to 4 to split 5 images, found 0
few().split(5, RNG)  # ValueError: from 1 to 4 to split 5 images, found 5
few().split(-1, RNG)  # ValueError: from 1 to 4 to split 5 images, found -1
batches(10, 0)  # ValueError: batch_size must be at least 1, found 0
data.Rotate(-1)  # ValueError: max_degrees must not be negative, found -1
data.Shift(-1)  # ValueError: max_pixels must be a whole number from 0 on, found -1
data.Shift(1.5)  # ValueError: max_pixels must be a whole number from 0 on, found 1.5
data.Scale(0.9)  # ValueError: max_factor must be at least 1, found 0.9
data.Elastic(34, 0)  # ValueError: sigma must be positive, found alpha=34, sigma=0
data.Cutout(0)  # ValueError: size must be at least 1 pixel, found 0
warp(IMAGES, np.zeros((3, 2, 5, 5)))  # ValueError: coords must have shape (5, 2, H, W)
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)
