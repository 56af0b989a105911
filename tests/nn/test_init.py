"""Initial weights: the fans, and that the spread follows from them."""

import math

import numpy as np
import pytest

from dlcourse.nn import init

SHAPE = (60, 40, 3, 3)
FAN_IN, FAN_OUT = 360, 540


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((50, 1024), (1024, 50)),
        ((16, 1, 3, 3), (9, 144)),
        ((8, 2, 5, 1), (10, 40)),
        ((0, 3), (3, 0)),
    ],
)
def test_fans(shape, fans):
    assert init.fan_in_and_fan_out(shape) == fans


@pytest.mark.parametrize("shape", [(), (10,)])
def test_a_fan_needs_two_axes(shape):
    with pytest.raises(ValueError, match=r"shape \(out, in, \*kernel\), found \("):
        init.fan_in_and_fan_out(shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (init.he_normal, 2 / FAN_IN),
        (init.xavier_normal, 2 / (FAN_IN + FAN_OUT)),
    ],
)
def test_mean_variance_and_dtype(draw, variance, dtype):
    w = draw(SHAPE, np.random.default_rng(1), dtype)
    assert w.shape == SHAPE
    assert w.dtype == dtype
    deviation = math.sqrt(variance)
    assert abs(w.mean(dtype=float)) < 5 * deviation / math.sqrt(w.size)
    assert w.std(dtype=float) == pytest.approx(deviation, rel=0.02)


def test_normal_draws_have_tails():
    w = init.he_normal(SHAPE, np.random.default_rng(3))
    beyond_two_deviations = np.mean(np.abs(w) > 2 * math.sqrt(2 / FAN_IN))
    assert beyond_two_deviations == pytest.approx(0.0455, abs=0.01)


def test_the_generator_decides():
    first, again, other = (init.he_normal((4, 4), np.random.default_rng(s)) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_he_keeps_the_signal_through_many_relu_layers():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((256, 200)).astype(np.float32)
    before = np.mean(x**2)
    for _ in range(20):
        x = np.maximum(x @ init.he_normal((200, 200), rng).T, 0)
    # The mean square after ReLU is the variance before it, halved, times 2: it stays.
    assert 0.3 < np.mean(x**2) / before < 3.0
