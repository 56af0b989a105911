from contextlib import nullcontext

import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlcourse import native
from dlcourse.nn import BatchNorm2d, LocalResponseNorm, ReLU, Sequential

shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
dtypes = st.sampled_from([np.float32, np.float64])


def draw(shape, channels_last, dtype=np.float32, seed=0):
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return x


def batch_norm(channels, dtype=np.float32):
    rng = np.random.default_rng(1)
    layer = BatchNorm2d(channels)
    for array in (layer.weight.data, layer.bias.data, layer.running_mean):
        array[...] = rng.standard_normal(channels)
    layer.running_var[...] = rng.random(channels) + 0.5
    return layer.astype(dtype)


def per_channel(vector):
    return vector[:, None, None]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(shape=shapes, channels_last=st.booleans(), training=st.booleans(), dtype=dtypes)
def test_batch_norm_is_the_definition_and_backward_its_gradient(
    shape, channels_last, training, dtype
):
    count = shape[0] * shape[2] * shape[3]
    assume(count > 2 or not training)  # two values become +1 and -1 whatever they are
    x = draw(shape, channels_last, dtype)
    layer = batch_norm(shape[1], dtype).train(training)
    mean, var = layer.running_mean.copy(), layer.running_var.copy()
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    y = layer(x)
    assert y.dtype == dtype
    expected = (x - per_channel(mean)) / per_channel(np.sqrt(var + 1e-5))
    expected = expected * per_channel(layer.weight.data) + per_channel(layer.bias.data)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    dx = layer.backward(y)
    assert dx.dtype == layer.weight.grad.dtype == layer.bias.grad.dtype == dtype
    check_gradients(layer, x, np.random.default_rng(0))


def test_running_statistics_follow_the_batches_in_place():
    layer = BatchNorm2d(3, momentum=0.25)
    buffers = layer.running_mean, layer.running_var, layer.num_batches_tracked
    x = draw((4, 3, 5, 2), True) * 2 + 1
    layer(x)
    np.testing.assert_allclose(layer.running_mean, 0.25 * x.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(
        layer.running_var, 0.75 + 0.25 * x.var(axis=(0, 2, 3), ddof=1), rtol=1e-5
    )
    layer(x)
    layer.eval()(x)  # does not count
    assert layer.num_batches_tracked == 2
    assert layer.num_batches_tracked.dtype == np.int64
    assert layer.running_mean is buffers[0]
    assert layer.running_var is buffers[1]
    assert layer.num_batches_tracked is buffers[2]
    assert buffers[0].dtype == buffers[1].dtype == np.float32


def test_a_replica_shares_the_running_statistics():
    layer = BatchNorm2d(2)
    layer.replica()(draw((4, 2, 3, 3), False) + 5)
    assert (layer.running_mean > 0.1).all()
    assert layer.num_batches_tracked == 1


def test_batch_norm_far_from_zero_is_still_exact():
    # Variance as mean of squares minus square of mean would lose all digits here.
    x = draw((10, 4, 8, 8), True)
    layer = BatchNorm2d(4)
    np.testing.assert_allclose(layer(x + np.float32(1000)), layer(x), atol=1e-3)


def test_a_constant_channel_becomes_the_bias():
    layer = BatchNorm2d(2)
    layer.bias.data[...] = (3, 4)
    y = layer(np.full((2, 2, 3, 3), 7, np.float32))
    np.testing.assert_array_equal(y[:, 0], 3)
    np.testing.assert_array_equal(y[:, 1], 4)


def test_batch_norm_output_lies_in_memory_channels_last():
    x = draw((2, 3, 4, 5), True)
    layer = BatchNorm2d(3)
    y = layer(x)
    assert y.strides == layer.backward(y).strides == x.strides


def test_a_single_value_per_channel_will_do_in_evaluation():
    assert BatchNorm2d(3).eval()(np.zeros((1, 3, 1, 1), np.float32)).shape == (1, 3, 1, 1)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    shape=shapes,
    size=st.integers(1, 7),
    beta=st.sampled_from([0.5, 0.75, 1.0]),
    channels_last=st.booleans(),
    dtype=dtypes,
)
def test_local_response_norm_is_the_definition_and_backward_its_gradient(
    shape, size, beta, channels_last, dtype
):
    x = draw(shape, channels_last, dtype)
    alpha, k = 0.8, 1.5  # large enough that the neighbours matter
    layer = LocalResponseNorm(size, alpha, beta, k)
    y = layer(x)
    assert y.dtype == dtype
    expected = np.empty_like(x)
    for c in range(shape[1]):
        neighbours = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        expected[:, c] = x[:, c] / (k + alpha / size * (neighbours**2).sum(axis=1)) ** beta
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    dx = layer.backward(np.ones_like(y))
    assert dx.dtype == dtype
    assert y.strides == dx.strides or 1 in shape
    check_gradients(layer, x, np.random.default_rng(0))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("relu", [True, False])
def test_half_precision_gives_what_numpy_does(training, relu):
    """Its statistics are of 16 bits while its images are of 32: kernels must not read them so."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4, 6, 5))
    gradients = []
    for context in (nullcontext, native.plain):
        norm = BatchNorm2d(4)
        norm.running_mean[:], norm.running_var[:] = [1, -2, 3, 0.5], [1, 2, 0.5, 4]
        net = Sequential(norm, *([ReLU()] if relu else [])).half().train(training)
        with context():
            y = net(x.astype(np.float16))
            dx = net.backward(dy.astype(np.float16))
        gradients.append((y, dx, norm.weight.grad, norm.bias.grad))
    for found, expected in zip(*gradients, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)
