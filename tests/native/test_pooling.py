"""Pooling in C against NumPy and PyTorch."""

import natively
import numpy as np
import pytest

from dlcourse import native, nn
from dlcourse.kernels import plain

pytestmark = natively.NEEDED

CHANNELS = pytest.mark.parametrize("channels", [1, 3, 16, 37])
WINDOWS = pytest.mark.parametrize(
    "windows",
    [
        (2,),
        (1,),
        ((3, 2), (2, 3), (1, 1)),
        (3, 1, 1),
        (3, 2, 1),
        ((2, 5), 4, (1, 2)),
        ((7, 6),),  # all of the image
        (2, 3),  # pixels between windows
    ],
    ids=str,
)


def max_pool(*windows, **options):
    return nn.MaxPool2d(*windows, return_indices=True, **options)


def both_passes(pool, x, seed=1):
    y = pool(x)
    y, *indices = y if isinstance(y, tuple) else (y,)
    dy = np.random.default_rng(seed).standard_normal(y.shape).astype(x.dtype)
    dx = pool.backward(dy)
    return y, dx, *indices


def agree(make, x, exact):
    """Compare with NumPy; y and indices exactly, sums up to rounding."""
    with plain():
        expected = both_passes(make(), x)
    found = both_passes(make(), x)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
    compare = np.testing.assert_array_equal if exact else np.testing.assert_allclose
    compare(found[0], expected[0], **({} if exact else {"rtol": 1e-5, "atol": 1e-6}))
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found[2:], expected[2:])


@CHANNELS
@WINDOWS
@natively.BOTH
@pytest.mark.parametrize("kind", [max_pool, nn.AvgPool2d])
def test_the_same_as_numpy(kind, windows, channels, dtype):
    x = np.random.default_rng(0).integers(-9, 9, (2, channels, 7, 6)).astype(dtype)  # with ties
    agree(lambda: kind(*windows), x, exact=kind is max_pool)


@CHANNELS
@pytest.mark.parametrize("windows", [(2,), (3, 2), (3, 2, 1), ((2, 3), (3, 2), 1)], ids=str)
def test_ceil_mode(windows, channels):
    x = np.random.default_rng(0).standard_normal((2, channels, 8, 6)).astype(np.float32)
    agree(lambda: max_pool(*windows, ceil_mode=True), x, exact=True)


@CHANNELS
@pytest.mark.parametrize("kind", [max_pool, nn.AvgPool2d])
@pytest.mark.filterwarnings("ignore:invalid value")  # of NumPy, at infinity minus infinity
def test_values_that_are_none_or_infinite(kind, channels):
    x = natively.special((3, channels, 7, 6), np.float32)
    agree(lambda: kind(3, 2, 1), x, exact=kind is max_pool)
    agree(lambda: kind(2), x, exact=kind is max_pool)


@pytest.mark.parametrize("kind", [max_pool, nn.AvgPool2d, nn.GlobalAvgPool])
@pytest.mark.parametrize("order", natively.ORDERS)
def test_any_memory_order(kind, order):
    x = np.random.default_rng(0).standard_normal((4, 5, 6, 7)).astype(np.float32)
    make = kind if kind is nn.GlobalAvgPool else lambda: kind(3, 2, 1)
    agree(make, natively.lying(x, order), exact=kind is max_pool)


@pytest.mark.parametrize("kind", [max_pool, nn.AvgPool2d, nn.GlobalAvgPool])
@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (1, 1, 1, 1), (1, 16, 1, 1), (2, 3, 1, 9)])
def test_none_and_a_single_pixel(kind, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    agree(kind if kind is nn.GlobalAvgPool else lambda: kind(1), x, exact=kind is max_pool)


@natively.BOTH
@pytest.mark.parametrize("shape", [(7, 24, 33, 31), (1, 20, 67, 65), (50, 3, 20, 20)])
def test_no_bit_depends_on_threads(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for make in (lambda: max_pool(3, 2, 1), lambda: nn.AvgPool2d(3, 1, 1), nn.GlobalAvgPool):
        natively.on_each_number_of_threads(lambda make=make: both_passes(make(), x))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("windows", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2)])
def test_the_same_as_torch(windows, ceil_mode):
    torch = pytest.importorskip("torch")
    x = natively.special((2, 18, 11, 10), np.float32)
    x[0] = -np.inf  # the border is never chosen
    y, dx, indices = both_passes(max_pool(*windows, ceil_mode=ceil_mode), x)
    tensor = torch.from_numpy(x).requires_grad_()
    expected, places = torch.nn.functional.max_pool2d(
        tensor, *windows, ceil_mode=ceil_mode, return_indices=True
    )
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.testing.assert_array_equal(indices, places.numpy())
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_a_mean_over_a_large_image_loses_nothing():
    x = np.full((1, 3, 600, 500), 0.1, np.float32)
    np.testing.assert_allclose(nn.GlobalAvgPool()(x), 0.1, rtol=1e-5)


def test_windows_of_more_positions_than_a_byte_counts_are_left_to_numpy():
    x = np.random.default_rng(0).standard_normal((1, 2, 40, 40)).astype(np.float32)
    agree(lambda: max_pool(17), x, exact=True)
    agree(lambda: max_pool(16), x, exact=True)


def test_a_result_may_go_to_an_array_that_is_there():
    windows = (2, 2), (2, 2), (0, 0)
    x = natively.lying(np.random.default_rng(0).random((2, 3, 4, 4), np.float32), "channels last")
    out, dx = np.empty((2, 2, 2, 3), np.float32).transpose(0, 3, 1, 2), np.empty_like(x)
    y, places = native.max_pool(x, *windows, (2, 2), out=out)
    assert y is out
    np.testing.assert_array_equal(y, native.max_pool(x, *windows, (2, 2))[0])
    assert native.max_pool_grad(y, places, x.shape, *windows, out=dx) is dx
    assert native.avg_pool(x, *windows, (2, 2), out=out) is out
    with pytest.raises(ValueError, match=r"lies in memory as \(N, H, W, C\)"):
        native.avg_pool_grad(y, x.shape, *windows, out=np.empty((2, 3, 4, 4), np.float32))
