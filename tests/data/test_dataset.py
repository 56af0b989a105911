import numpy as np
import pytest

from dlcourse.data import Dataset, batches

CLASSES = ("a", "b", "c")


def images(n=6, dtype=np.float32):
    return np.linspace(0, 1, n * 4, dtype=dtype).reshape(n, 1, 2, 2)


def labels(n=6):
    return np.arange(n) % 3


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
