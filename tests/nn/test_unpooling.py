import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.nn import MaxPool2d, MaxUnpool2d


class Unpool(MaxUnpool2d):
    def forward(self, x, indices):
        return super().forward(x, indices, self.size)


def draw(shape, dtype=np.float32):
    return np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape).astype(dtype)


@pytest.mark.parametrize("options", [(2,), (3,), ((2, 3),), (2, 3), (3, 1, 1), ((3, 2), 2, (1, 1))])
def test_indices_tell_where_each_maximum_was(options):
    x = draw((2, 3, 8, 9))
    y, indices = MaxPool2d(*options, return_indices=True)(x)
    np.testing.assert_array_equal(y, MaxPool2d(*options)(x))
    taken = np.take_along_axis(x.reshape(2, 3, -1), indices.reshape(2, 3, -1), axis=2)
    np.testing.assert_array_equal(taken.reshape(y.shape), y)


def test_the_index_is_of_the_first_among_equals():
    indices = MaxPool2d(2, return_indices=True)(np.zeros((1, 1, 4, 4), np.float32))[1]
    assert indices.tolist() == [[[[0, 2], [8, 10]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_go_back_and_gradients_are_fetched(dtype):
    x = draw((2, 3, 5, 7), dtype)
    y, indices = MaxPool2d(2, return_indices=True)(x)
    for size in (None, (5, 7)):  # the odd row and column were left out
        places = indices if size else indices // 7 * 6 + indices % 7
        layer = Unpool(2)
        layer.size = size
        z = layer(y, places)
        assert z.dtype == dtype and z.shape[2:] == (size or (4, 6))
        kept = z != 0
        assert kept.sum() >= y.size - 1  # the value 0 may be among them
        whole = x[:, :, : z.shape[2], : z.shape[3]]
        np.testing.assert_array_equal(z[kept], whole[kept])
        check_gradients(layer, (y, places), np.random.default_rng(1))
    again = MaxPool2d(2)(np.abs(z[:, :, :4, :6]))
    np.testing.assert_array_equal(again, y)
