"""Kernels in CUDA C on a GPU agree with CuPy's own functions. Skipped where there is none."""

import numpy as np
import pytest

from dlcourse import cuda, nn
from dlcourse.backend import cuda_status, to_device, to_numpy
from dlcourse.nn.kernels.patches import im2col, windows
from dlcourse.nn.kernels.windows import Geometry
from dlcourse.optim import Adam

STATUS = cuda_status()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(" on " not in STATUS, reason=STATUS),
]


def images(channels=16, dtype=np.float32):
    drawn = np.random.default_rng(0).standard_normal((32, 28, 27, channels)).astype(dtype)
    return to_device(drawn, "cuda").transpose(0, 3, 1, 2)


def both_ways(run):
    with cuda.plain():
        expected = run()
    return [to_numpy(array) for array in run()], [to_numpy(array) for array in expected]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 16, 40])
def test_im2col(channels, dtype):
    patches = windows(images(channels, dtype), Geometry((3, 3), (2, 1), (1, 1)))
    found, expected = both_ways(lambda: [im2col(patches).copy()])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu(dtype):
    x, relu = images(dtype=dtype), nn.ReLU()
    assert cuda.has_kernels(x)
    found, expected = both_ways(lambda: [relu(x), relu.backward(x)])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("channels", [1, 16, 40])
def test_batch_norm(channels):
    x, norm = images(channels), nn.BatchNorm2d(channels).to("cuda")

    def run():
        norm.zero_grad()
        y = norm.train()(x)
        dx = norm.backward(x * x)
        return [y, dx, norm.weight.grad, norm.bias.grad, norm.eval()(x)]

    found, expected = both_ways(run)
    for a, b in zip(found[:4], expected, strict=False):  # evaluation sees other averages
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_adam():
    def run():
        weight = nn.Parameter(to_device(np.linspace(-1, 1, 10**5, dtype=np.float32), "cuda"))
        optimizer = Adam([weight], lr=0.01)
        for _ in range(3):
            weight.grad = weight.data * 0.5
            optimizer.step()
        return [weight.data]

    (found,), (expected,) = both_ways(run)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
