import math

import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.nn import RoIPool


def naive(x, regions, size, scale):
    """Torchvision's definition, cell by cell."""
    y = np.zeros((len(regions), x.shape[1], *size))
    for r, (n, *edges) in enumerate(regions):
        left, top, right, bottom = (c_round(edge * scale) for edge in edges)
        height, width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i, j in np.ndindex(*size):
            rows = slice(
                min(max(top + math.floor(i * height / size[0]), 0), x.shape[2]),
                min(max(top + math.ceil((i + 1) * height / size[0]), 0), x.shape[2]),
            )
            columns = slice(
                min(max(left + math.floor(j * width / size[1]), 0), x.shape[3]),
                min(max(left + math.ceil((j + 1) * width / size[1]), 0), x.shape[3]),
            )
            cell = x[int(n), :, rows, columns]
            if cell.size:
                y[r, :, i, j] = cell.max(axis=(1, 2))
    return y


def c_round(value):
    """C's round: halves away from zero."""
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), value))


def draw(count, size, rng, images=2):
    corners = rng.uniform(-10, size + 10, (count, 2, 2))
    corners.sort(axis=1)
    return np.concatenate(
        [rng.integers(0, images, (count, 1)), corners.reshape(count, 4)], axis=1
    ).astype(np.float32)


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (2, 5), (7, 7)])
@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_is_the_definition_and_backward_its_gradient(size, scale, dtype):
    rng = np.random.default_rng(0)
    # Distinct values: at a tie of two largest, the maximum has no gradient to compare with.
    x = rng.permutation(2 * 3 * 9 * 8).reshape(2, 3, 9, 8).astype(dtype) / 10
    regions = draw(30, 9 / scale, rng)
    pool = RoIPool(size, scale)
    y = pool(x, regions)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, naive(x, regions, size, scale), rtol=1e-6)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx, _ = pool.backward(dy)
    assert dx.dtype == dtype and dx.shape == x.shape
    if dtype == np.float64:
        check_gradients(pool, (x, regions), rng, entries=60)


def test_no_regions_and_regions_outside():
    x = np.ones((1, 2, 4, 4), np.float32)
    pool = RoIPool(2)
    assert pool(x, np.empty((0, 5), np.float32)).shape == (0, 2, 2, 2)
    assert not pool.backward(np.empty((0, 2, 2, 2), np.float32))[0].any()
    outside = np.array([[0, 50, 50, 60, 60]], np.float32)
    assert not pool(x, outside).any()
    assert not pool.backward(np.ones((1, 2, 2, 2), np.float32))[0].any()


def test_halves_are_rounded_away_from_zero_as_in_torchvision():
    x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    regions = np.array(
        [[0, -1.5, -2.5, 1.5, 0.5], [0, -0.5, 0.5, 2.5, 3.5], [0, 0.49999997, 0, 2, 2]], np.float32
    )
    for size in ((1, 1), (2, 3), (3, 2)):
        np.testing.assert_array_equal(RoIPool(size)(x, regions), naive(x, regions, size, 1.0))
    assert RoIPool(1)(x, regions[2:]).item() == 12  # 0.49999997 is nearer to 0 than to 1


def test_nan_is_the_largest_and_minus_infinity_has_a_place():
    x = np.array([[0, np.nan, 1], [2, 3, 4]], np.float32)[None, None]
    whole = np.array([[0, 0, 0, 2, 1]], np.float32)
    pool, dy = RoIPool(1), np.ones((1, 1, 1, 1), np.float32)
    assert np.isnan(pool(x, whole)).all()
    assert pool.backward(dy)[0].ravel().tolist() == [
        0,
        1,
        0,
        0,
        0,
        0,
    ]
    assert pool(np.full_like(x, -np.inf), whole).item() == -np.inf
    assert pool.backward(dy)[0].ravel().tolist() == [
        1,
        0,
        0,
        0,
        0,
        0,
    ]


def test_regions_of_whole_numbers_and_none():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    pool = RoIPool(2)
    for kind in ("u1", "i1", "i8", "f2"):
        regions = np.array([[0, 1, 0, 3, 2]], kind)
        np.testing.assert_array_equal(pool(x, regions), pool(x, regions.astype(float)))
    assert pool(x, np.empty((0, 5))).shape == (0, 1, 2, 2)
    with pytest.raises(ValueError, match="finite numbers, found NaN or infinity"):
        pool(x, np.array([[0, np.nan, 0, 1, 1]]))
