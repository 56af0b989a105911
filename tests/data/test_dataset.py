import numpy as np
import pytest

from dlcourse.data import Dataset, batches

CLASSES = ("a", "b", "c")


def images(n=6, dtype=np.float32):
    return np.linspace(0, 1, n * 4, dtype=dtype).reshape(n, 1, 2, 2)


def labels(n=6):
    return np.arange(n) % 3


@pytest.mark.parametrize(
    ("images_", "labels_", "message"),
    [
        (images(dtype=np.float64), labels(), r"float32 of shape \(N, C, H, W\), found float64"),
        (images()[:, 0], labels(), r"found float32 of shape \(6, 2, 2\)"),
        (images(), labels(5), r"int64 of shape \(6,\).*found int64 of shape \(5,\)"),
        (images(), labels().astype(np.int32), "found int32"),
        (images(), labels()[:, None], r"found int64 of shape \(6, 1\)"),
        (images()[:0], labels(0), "at least one image"),
        (images() * 255, labels(), "from 0 to 1, found 0 to 255"),
        (images() - 1, labels(), "from 0 to 1, found -1 to 0"),
        (images() * np.float32("nan"), labels(), "found nan"),
        (images(), labels() + 1, "from 0 to 2 for 3 classes, found 3"),
        (images(), labels() - 1, "from 0 to 2 for 3 classes, found -1"),
    ],
)
def test_wrong_input_is_named(images_, labels_, message):
    with pytest.raises(ValueError, match=message):
        Dataset(images_, labels_, CLASSES)


def test_subset_takes_positions_masks_and_slices():
    data = Dataset(images(), labels(), CLASSES)
    for indices in (np.array([4, 0]), data.labels == 1, slice(1, None, 2)):
        part = data.subset(indices)
        np.testing.assert_array_equal(part.images, data.images[indices])
        np.testing.assert_array_equal(part.labels, data.labels[indices])
        assert part.classes == CLASSES


def test_split_parts_are_disjoint_whole_in_order_and_repeatable():
    values = np.arange(50, dtype=np.float32)[:, None, None, None] / 50
    data = Dataset(values, np.arange(50) % 3, CLASSES)
    rest, held_out = data.split(20, np.random.default_rng(3))
    again = data.split(20, np.random.default_rng(3))[1]
    other = data.split(20, np.random.default_rng(4))[1]
    assert len(held_out) == 20
    np.testing.assert_array_equal(
        np.sort(np.concatenate([rest.images, held_out.images]).ravel()), values.ravel()
    )
    assert (np.diff(rest.images.ravel()) > 0).all() and (np.diff(held_out.images.ravel()) > 0).all()
    np.testing.assert_array_equal(held_out.images, again.images)
    assert not np.array_equal(held_out.images, other.images)
    # Each image keeps its own label.
    np.testing.assert_array_equal(
        held_out.labels, np.rint(held_out.images.ravel() * 50).astype(int) % 3
    )


@pytest.mark.parametrize("n", [0, 6, -1])
def test_split_of_all_or_nothing(n):
    with pytest.raises(ValueError, match=f"from 1 to 5 to split 6 images, found {n}"):
        Dataset(images(), labels(), CLASSES).split(n, np.random.default_rng(0))


@pytest.mark.parametrize(("length", "size"), [(10, 3), (9, 3), (2, 5), (1, 1), (0, 4)])
@pytest.mark.parametrize("seed", [None, 0])
def test_batches_give_every_index_once(length, size, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    parts = list(batches(length, size, rng))
    assert all(len(part) == size for part in parts[:-1])
    assert sorted(i for part in parts for i in part) == list(range(length))


def test_batches_shuffle_by_the_generator():
    def order(seed):
        return np.concatenate(list(batches(100, 7, np.random.default_rng(seed))))

    np.testing.assert_array_equal(order(1), order(1))
    assert not np.array_equal(order(1), order(2))
    assert not np.array_equal(order(1), np.arange(100))


def test_batches_refuse_an_empty_batch_at_once():
    with pytest.raises(ValueError, match="batch_size must be at least 1, found 0"):
        batches(10, 0)
