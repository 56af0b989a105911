"""Batch normalization in C against NumPy and PyTorch."""

import natively
import numpy as np
import pytest

from dlcourse import native, nn
from dlcourse.kernels import plain

pytestmark = natively.NEEDED

SHAPES = [(2, 1), (3, 3), (17, 16), (100, 17), (1000, 40), (40_000, 5), (300, 513), (70_001, 16)]
shapes = pytest.mark.parametrize(("rows", "channels"), SHAPES)


def draw(rows, channels, dtype, number=1):
    rng = np.random.default_rng(0)
    return rng.standard_normal((number, rows, channels)).astype(dtype)


def numbers(channels, dtype, number):
    return np.random.default_rng(1).standard_normal((number, channels)).astype(dtype)


@shapes
@natively.BOTH
def test_moments_and_sums(rows, channels, dtype):
    x, dy = draw(rows, channels, dtype, 2)
    wide, dy_wide = x.astype(np.float64), dy.astype(np.float64)
    digits = dict(rtol=2e-5, atol=1e-5) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-11)
    mean, var = native.channel_moments(x)
    np.testing.assert_allclose(mean, wide.mean(axis=0), **digits)
    np.testing.assert_allclose(var, wide.var(axis=0), **digits)
    sums, dots = native.channel_sums(dy, x, mean)
    scale = np.sqrt(rows)
    np.testing.assert_allclose(sums / scale, dy_wide.sum(axis=0) / scale, **digits)
    dot = (dy_wide * (wide - mean)).sum(axis=0)
    np.testing.assert_allclose(dots / scale, dot / scale, **digits)


@shapes
@natively.BOTH
def test_scale_shift_and_the_gradient(rows, channels, dtype):
    x, dy = draw(rows, channels, dtype, 2)
    mean, scale, shift, slope = numbers(channels, dtype, 4)
    digits = dict(rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(native.scale_shift(x, scale, shift), x * scale + shift, **digits)
    y = native.scale_shift(x, scale, shift, mean)
    np.testing.assert_allclose(y, (x - mean) * scale + shift, **digits)
    dx = native.batch_norm_grad(dy, x, slope, shift, scale, mean)
    np.testing.assert_allclose(dx, (dy + (x - mean) * slope + shift) * scale, **digits)
    assert native.scale_shift(x, scale, shift, mean, out=x) is x
    np.testing.assert_array_equal(x, y)


@shapes
@natively.BOTH
def test_no_bit_depends_on_threads(rows, channels, dtype):
    x, dy = draw(rows, channels, dtype, 2)
    mean, scale, shift, slope = numbers(channels, dtype, 4)
    natively.on_each_number_of_threads(
        lambda: [
            *native.channel_moments(x),
            *native.channel_sums(dy, x, mean),
            native.scale_shift(x, scale, shift, mean),
            native.batch_norm_grad(dy, x, slope, shift, scale, mean),
        ]
    )


@pytest.mark.parametrize("far", [1e3, 1e5])
def test_means_far_from_zero_cost_no_digit_of_the_variance(far):
    x = (draw(50_000, 7, np.float32)[0] + np.float32(far)).astype(np.float32)
    x[0] = 0  # a first value that is nothing like the others
    mean, var = native.channel_moments(x)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(var, wide.var(axis=0), rtol=1e-3)


def test_what_is_no_number_stays_in_its_channel():
    x = draw(1000, 5, np.float32)[0]
    x[3, 1], x[7, 2] = np.nan, np.inf
    mean, var = native.channel_moments(x)
    assert np.isnan(mean).tolist() == [False, True, False, False, False]
    assert np.isinf(mean).tolist() == [False, False, True, False, False]
    assert np.isnan(var).tolist() == [False, True, True, False, False]


def test_no_rows():
    x, numbers = np.zeros((0, 3), np.float32), np.zeros(3, np.float32)
    assert native.scale_shift(x, numbers, numbers).shape == (0, 3)
    assert native.batch_norm_grad(x, x, *[numbers] * 3).shape == (0, 3)
    np.testing.assert_array_equal(native.channel_sums(x, x, numbers), np.zeros((2, 3)))


def both_passes(x, dy, training):
    norm = nn.BatchNorm2d(x.shape[1]).astype(x.dtype).train(training)
    rng = np.random.default_rng(2)
    for array in (norm.weight.data, norm.bias.data, norm.running_mean):
        array[...] = rng.standard_normal(array.shape)
    y, dx = norm(x), norm.backward(dy)
    return y, dx, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", natively.ORDERS)
@natively.BOTH
def test_the_layer_is_the_same_as_with_numpy(training, order, dtype):
    x, dy = np.random.default_rng(0).standard_normal((2, 4, 5, 6, 7)).astype(dtype)
    x = natively.lying(x, order)
    with plain():
        expected = both_passes(x, dy, training)
    for found, one in zip(both_passes(x, dy, training), expected, strict=True):
        assert found.dtype == one.dtype
        np.testing.assert_allclose(found, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_layer_is_the_same_as_torch(training):
    torch = pytest.importorskip("torch")
    x, dy = np.random.default_rng(0).standard_normal((2, 8, 20, 9, 11)).astype(np.float32)
    norm = torch.nn.BatchNorm2d(20).train(training)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            tensor.copy_(torch.from_numpy(rng.standard_normal(20)))
    tensor = torch.from_numpy(x).requires_grad_()
    y = norm(tensor)
    y.backward(torch.from_numpy(dy))
    expected = y, tensor.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var
    for found, one in zip(both_passes(x, dy, training), expected, strict=True):
        np.testing.assert_allclose(found, one.detach().numpy(), rtol=1e-4, atol=1e-5)
