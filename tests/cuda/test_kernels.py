"""The kernels in CUDA C, compiled as C++ for the processor, against NumPy."""

import cupy_double
import numpy as np
import pytest

from dlcourse import cuda
from dlcourse.nn.kernels import patches
from dlcourse.nn.kernels.windows import Geometry

pytestmark = pytest.mark.skipif(
    bool(cupy_double.compiler_missing()), reason=cupy_double.compiler_missing()
)


@pytest.fixture
def xp(monkeypatch):
    return cupy_double.install(monkeypatch)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (257,), (3, 5, 7, 2)])
def test_relu(xp, dtype, shape):
    x = np.array(rng().standard_normal(shape), dtype)
    y, mask = cuda.relu(xp.asarray(x))
    np.testing.assert_array_equal(y.get(), np.maximum(x, 0))
    np.testing.assert_array_equal(mask.get(), x > 0)
    assert y.dtype == dtype and mask.dtype == bool


def test_relu_keeps_memory_order_and_what_is_no_number(xp):
    x = np.array([[1, -1, np.nan], [np.inf, -np.inf, 0]], np.float32)
    for view in (xp.asarray(x).T, xp.asarray(np.tile(x, 2))[:, ::2], xp.asarray(x)[None].T):
        y, mask = cuda.relu(view)
        np.testing.assert_array_equal(y.get(), np.maximum(view.get(), 0))
        np.testing.assert_array_equal(mask.get(), ~(view.get() <= 0))
    assert cuda.relu(xp.asarray(x).T)[0].flags.f_contiguous


def test_the_gradient_of_relu(xp):
    x, dy = rng().standard_normal((2, 257)).astype(np.float32)
    _, kept = cuda.relu(xp.asarray(x))
    np.testing.assert_array_equal(cuda.relu_grad(xp.asarray(dy), kept).get(), dy * (x > 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((3, 3), padding=(1, 1)),
        Geometry((2, 3), (2, 1), (0, 1), (1, 2)),
        Geometry((1, 1), (2, 2)),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_im2col(xp, dtype, channels, geometry, channels_last):
    x = rng().standard_normal((3, channels, 7, 6)).astype(dtype)
    if channels_last:
        x = x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    device = xp.asarray(x, order="K")
    assert channels == 1 or device.strides == x.strides
    found = patches.im2col(patches.windows(device, geometry))
    np.testing.assert_array_equal(found.get(), patches.im2col(patches.windows(x, geometry)))


@pytest.mark.parametrize("rows, channels", [(1, 1), (7, 3), (100, 32), (3000, 33), (50, 70)])
def test_channel_dot(xp, rows, channels):
    a, b = (rng().standard_normal((rows, channels)).astype(np.float32) for _ in range(2))
    found = cuda.channel_dot(xp.asarray(a), xp.asarray(b)).get()
    np.testing.assert_allclose(found, (a.astype(np.float64) * b).sum(axis=0), rtol=1e-5, atol=1e-5)


def test_scale_shift_and_the_gradient_of_batch_norm(xp):
    x, c = rng().standard_normal((2, 500, 12)).astype(np.float32), rng().random((3, 12), np.float32)
    on = [xp.asarray(a) for a in (*x, *c)]
    np.testing.assert_allclose(
        cuda.scale_shift(on[0], on[2], on[3]).get(), x[0] * c[0] + c[1], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        cuda.batch_norm_grad(*on).get(), (x[0] + x[1] * c[0] + c[1]) * c[2], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("rows, channels", [(1, 1), (7, 3), (3000, 33)])
def test_moments_and_sums_with_means_subtracted_on_the_way(xp, rows, channels):
    x, dy = (rng().standard_normal((rows, channels)).astype(np.float32) + 5 for _ in range(2))
    mean, var = cuda.channel_moments(xp.asarray(x))
    np.testing.assert_allclose(mean.get(), x.mean(axis=0, dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(var.get(), x.var(axis=0, dtype=np.float64), rtol=1e-3, atol=1e-6)
    sums, dots = cuda.channel_sums(xp.asarray(dy), xp.asarray(x), mean)
    np.testing.assert_allclose(sums.get(), dy.sum(axis=0, dtype=np.float64), rtol=1e-5)
    expected = (dy.astype(np.float64) * (x - mean.get())).sum(axis=0)
    np.testing.assert_allclose(dots.get(), expected, rtol=1e-3, atol=1e-2)


def test_means_are_subtracted_before_the_scale_and_in_the_gradient(xp):
    x, dy = rng().standard_normal((2, 50, 12)).astype(np.float32)
    mean, scale, shift, slope = c = rng().random((4, 12), np.float32)
    on, dy_on, (mean_on, *numbers) = xp.asarray(x), xp.asarray(dy), [xp.asarray(a) for a in c]
    y = cuda.scale_shift(on, *numbers[:2], mean_on)
    np.testing.assert_allclose(y.get(), (x - mean) * scale + shift, rtol=1e-5, atol=1e-6)
    dx = cuda.batch_norm_grad(dy_on, on, numbers[2], numbers[1], numbers[0], mean_on)
    expected = (dy + (x - mean) * slope + shift) * scale
    np.testing.assert_allclose(dx.get(), expected, rtol=1e-4, atol=1e-5)


def test_adam_with_both_kinds_of_decay(xp):
    w, m, g = rng().standard_normal((3, 100)).astype(np.float32)
    v = rng().random(100).astype(np.float32)
    on = [xp.asarray(a) for a in (w, m, v, g)]
    cuda.adam(*on, betas=(0.9, 0.99), rate=0.01, eps=1e-8, weight_decay=0.1, shrink=0.5)
    g = g + 0.1 * w
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    w = 0.5 * w - 0.01 * m / (np.sqrt(v) + 1e-8)
    for found, expected in zip(on, (w, m, v), strict=False):
        np.testing.assert_allclose(found.get(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam(xp, dtype):
    w, m, g = rng().standard_normal((3, 1000)).astype(dtype)
    v = rng().random(1000).astype(dtype)
    on = [xp.asarray(a) for a in (w, m, v, g)]
    cuda.adam(*on, betas=(0.9, 0.99), rate=0.01, eps=1e-8)
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    w = w - 0.01 * m / (np.sqrt(v) + 1e-8)
    for found, expected in zip(on, (w, m, v), strict=False):
        np.testing.assert_allclose(found.get(), expected, rtol=1e-5, atol=1e-7)


def test_what_has_no_kernel(xp):
    x = xp.ones(3, np.float32)
    assert cuda.has_kernels(x) and cuda.has_kernels(x, x)
    assert not cuda.has_kernels(x.astype(np.float16))
    assert not cuda.has_kernels(x.astype(np.int32))
    assert not cuda.has_kernels(x, x.astype(np.float64))
    assert not cuda.has_kernels(x, np.ones(3, np.float32))
    assert not cuda.has_kernels(np.ones(3, np.float32))
    with cuda.plain():
        assert not cuda.has_kernels(x)


def test_the_double_checks_a_launch(xp):
    x = xp.ones(4, np.float32)
    kernel = xp.RawModule(code=cuda.source("relu"), options=("-DREAL=float",)).get_function("relu")
    mask = xp.empty(4, bool)
    good = (x, x, mask, np.uint32(4))
    kernel((1,), (32,), good)
    for args in (good[:3], (x, x, mask, 4), (x, x, x, good[3]), (x.astype(float), *good[1:])):
        with pytest.raises(TypeError, match="relu"):
            kernel((1,), (32,), args)
    with pytest.raises(ValueError, match="block"):
        kernel((1,), (2048,), good)
    with pytest.raises(ValueError, match="grid"):
        kernel((0,), (32,), good)
