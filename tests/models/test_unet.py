import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import UNet
from dlcourse.models.unet import TimeBlock, time_waves


def away_from_zero(module):
    """Draw the weights that start at zero, through which nothing would come back."""
    rng = np.random.default_rng(2)
    for parameter in module.parameters():
        if not parameter.data.any():
            parameter.data[...] = rng.standard_normal(parameter.data.shape) * 0.2
    return module


def test_backward_is_the_gradient():
    rng = np.random.default_rng(0)
    net = away_from_zero(UNet((8, 16, 24), time_features=8, rng=rng))
    x = rng.standard_normal((3, 1, 12, 8), dtype=np.float32)
    check_gradients(net, (x, np.array([1, 40, 200])), rng, entries=4)


@pytest.mark.parametrize("out_channels", [8, 16])
def test_backward_of_a_block_is_the_gradient_for_both_inputs(out_channels):
    rng = np.random.default_rng(0)
    block = away_from_zero(TimeBlock(8, out_channels, 6, rng=rng))
    inputs = rng.standard_normal((2, 8, 4, 3)), rng.standard_normal((2, 6))
    check_gradients(block, inputs, rng, entries=6)


def test_it_begins_with_an_answer_of_zero_in_float32():
    net = UNet((8, 16), rng=np.random.default_rng(0))
    y = net(np.ones((2, 1, 28, 28), np.float32), np.array([1, 2]))
    assert y.dtype == np.float32 and not y.any()
    net.skip_input_grad()
    assert net.backward(y) == (None, None)


def test_each_picture_has_its_own_time():
    rng = np.random.default_rng(0)
    net = away_from_zero(UNet((8, 16), rng=rng))
    x = rng.standard_normal((2, 1, 8, 8), dtype=np.float32)
    both = net(x, np.array([5, 100]))
    np.testing.assert_allclose(net(x[1:], np.array([100])), both[1:], rtol=1e-4, atol=1e-5)
    assert abs(net(x[1:], np.array([5])) - both[1:]).max() > 1e-3


def test_waves_tell_times_apart():
    waves = time_waves(np.arange(1, 201), 64)
    assert waves.shape == (200, 64)
    np.testing.assert_allclose((waves**2).sum(axis=1), 32)  # a sine and a cosine of each angle
    far = ((waves[:, None] - waves) ** 2).sum(axis=2) + 100 * np.eye(200)
    assert far.min() > 0.1
    np.testing.assert_allclose(waves[2, [0, 31, 32, 63]], [*np.sin([3, 3e-4]), *np.cos([3, 3e-4])])
