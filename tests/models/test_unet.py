import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.models import UNet
from dlcourse.models.unet import TimeBlock, time_waves
from dlcourse.nn import Module


class AtTimes(Module):
    """A network of two inputs as one of the first alone, away from its zeros."""

    def __init__(self, module, second):
        super().__init__()
        self.module = module
        self.second = second
        rng = np.random.default_rng(2)
        for parameter in module.parameters():
            if not parameter.data.any():
                parameter.data[...] = rng.standard_normal(parameter.data.shape) * 0.2

    def forward(self, x):
        return self.module(x, self.second)

    def backward(self, dy):
        dx = self.module.backward(dy)
        return dx[0] if isinstance(dx, tuple) else dx


def test_backward_is_the_gradient():
    rng = np.random.default_rng(0)
    net = UNet((8, 16, 24), time_features=8, rng=rng)
    x = rng.standard_normal((3, 1, 12, 8), dtype=np.float32)
    check_gradients(AtTimes(net, np.array([1, 40, 200])), x, rng, entries=4)


@pytest.mark.parametrize("out_channels", [8, 16])
def test_backward_of_a_block_is_the_gradient_for_both_inputs(out_channels):
    rng = np.random.default_rng(0)
    block = TimeBlock(8, out_channels, 6, rng=rng)
    x, time = rng.standard_normal((2, 8, 4, 3)), rng.standard_normal((2, 6))
    check_gradients(AtTimes(block, time), x, rng, entries=6)

    class OfTime(AtTimes):
        def forward(self, time):
            return self.module(self.second, time)

        def backward(self, dy):
            return self.module.backward(dy)[1]

    check_gradients(OfTime(block, x), time, rng, entries=6)


def test_it_begins_with_an_answer_of_zero_in_float32():
    net = UNet((8, 16), rng=np.random.default_rng(0))
    y = net(np.ones((2, 1, 28, 28), np.float32), np.array([1, 2]))
    assert y.dtype == np.float32 and not y.any()
    net.skip_input_grad()
    assert net.backward(y) is None


def test_each_picture_has_its_own_time():
    rng = np.random.default_rng(0)
    net = AtTimes(UNet((8, 16), rng=rng), np.array([5, 100])).module
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


def test_wrong_input_says_what_was_expected():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="multiples of 8, at least one, found"):
        UNet((16, 20), rng=rng)
    with pytest.raises(ValueError, match="multiples of 8, at least one, found"):
        UNet((), rng=rng)
    net = UNet((8, 8, 8), rng=rng)
    with pytest.raises(ValueError, match="multiples of 4, found"):
        net(np.zeros((1, 1, 30, 28), np.float32), np.array([1]))
    with pytest.raises(ValueError, match=r"one time for each of 2 pictures, found \(1,\)"):
        net(np.zeros((2, 1, 28, 28), np.float32), np.array([1]))
    with pytest.raises(ValueError, match="even number of at least 4, found 5"):
        time_waves(np.zeros(2), 5)
