import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool, MaxPool2d


def naive(x, kernel, stride, padding, fill, reduce):
    p, q = padding
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)), constant_values=fill)
    oh = (x.shape[2] - kernel[0]) // stride[0] + 1
    ow = (x.shape[3] - kernel[1]) // stride[1] + 1
    y = np.zeros((*x.shape[:2], oh, ow))
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride[0], j * stride[1]
        y[n, c, i, j] = reduce(x[n, c, top : top + kernel[0], left : left + kernel[1]])
    return y


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padded=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    layer=st.sampled_from([(MaxPool2d, -np.inf, np.max), (AvgPool2d, 0.0, np.mean)]),
)
def test_forward_is_the_definition_and_backward_its_gradient(kernel, stride, padded, dtype, layer):
    kind, fill, reduce = layer
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    rng = np.random.default_rng(0)
    # Distinct values: at a tie of two largest, the maximum has no gradient to compare with.
    x = rng.permutation(2 * 3 * 7 * 6).reshape(2, 3, 7, 6).astype(dtype) / 10
    pool = kind(kernel, stride, padding)
    y = pool(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(
        y, naive(x, kernel, stride, padding, fill, reduce), rtol=1e-6, atol=1e-6
    )
    check_gradients(pool, x, rng)


def test_gradient_goes_to_the_first_of_equals():
    pool = MaxPool2d(2)
    pool(np.ones((1, 1, 2, 2), np.float32))
    dx = pool.backward(np.full((1, 1, 1, 1), 5, np.float32))
    np.testing.assert_array_equal(dx[0, 0], [[5, 0], [0, 0]])


def test_pixels_that_no_window_reaches_get_no_gradient():
    pool = MaxPool2d(2)
    y = pool(np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5))
    dx = pool.backward(np.ones_like(y))
    assert dx.shape == (1, 1, 5, 5)
    assert not dx[..., 4, :].any() and not dx[..., :, 4].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_global_average(dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 4, 5)).astype(dtype)
    pool = GlobalAvgPool()
    np.testing.assert_allclose(pool(x), x.mean(axis=(2, 3)), rtol=1e-6)
    check_gradients(pool, x, rng)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "output"),
    [
        ((112, 112), 3, 2, 0, (56, 56)),  # GoogLeNet's: 55 without ceil_mode
        ((5, 6), 2, 2, 0, (3, 3)),
        ((1, 1), 2, 2, 0, (1, 1)),  # only one window, and that hangs over
        ((4, 4), 2, 3, 1, (2, 2)),  # a third would start in the border at the right
        ((7, 5), (3, 2), (3, 4), 0, (3, 2)),
    ],
)
def test_ceil_mode(size, kernel, stride, padding, output):
    rng = np.random.default_rng(0)
    x = rng.permutation(2 * size[0] * size[1]).reshape(1, 2, *size).astype(np.float32)
    pool = MaxPool2d(kernel, stride, padding, ceil_mode=True)
    y = pool(x)
    assert y.shape[2:] == output
    assert pool.backward(np.ones_like(y)).shape == x.shape
    if x.size < 100:
        check_gradients(pool, x, rng)
    if output == (3, 3):
        np.testing.assert_array_equal(y[..., :2, :], MaxPool2d(2)(x)[..., :2, :])
        np.testing.assert_array_equal(y[0, 0, 2], x[0, 0, 4].reshape(3, 2).max(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", [1, 2, 3, (6, 1), (8, 4)])
def test_adaptive_average(output, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, 5)).astype(dtype)
    pool = AdaptiveAvgPool2d(output)
    y = pool(x)
    assert y.dtype == dtype and y.shape == (2, 3, *pool.output_size)
    if output == 1:
        np.testing.assert_allclose(y[..., 0, 0], x.mean(axis=(2, 3)), rtol=1e-5, atol=1e-6)
    if output == 2:
        np.testing.assert_allclose(y[..., 1, 0], x[..., 3:, :3].mean(axis=(2, 3)), rtol=1e-5)
    check_gradients(pool, x, rng)


def test_nan_is_the_largest_and_the_last_of_several_counts():
    x = np.array([[np.nan, 1, 9, 2], [np.nan, 3, 4, 5]], np.float32)[None, None]
    pool = MaxPool2d(2, return_indices=True)
    y, indices = pool(x)
    np.testing.assert_array_equal(y.ravel(), [np.nan, 9])
    assert indices.ravel().tolist() == [4, 2]
    dx = MaxPool2d(2)
    dx(x)
    found = dx.backward(np.array([[[[1, 2]]]], np.float32))
    assert found.ravel().tolist() == [0, 0, 2, 0, 1, 0, 0, 0]


def test_the_border_is_never_chosen():
    x = np.full((1, 1, 3, 3), -np.inf, np.float32)
    pool = MaxPool2d(2, padding=1, ceil_mode=True, return_indices=True)
    assert pool(x)[1].ravel().tolist() == [0, 1, 3, 4]
    pool = MaxPool2d(2, padding=1)
    assert pool.backward(np.ones_like(pool(x))).sum() == 4


def test_an_infinite_gradient_stays_where_it_belongs():
    pool = MaxPool2d(2)
    pool(np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2))
    assert pool.backward(np.full((1, 1, 1, 1), np.inf, np.float32)).ravel().tolist() == [
        0, 0, 0, np.inf,
    ]  # fmt: skip
