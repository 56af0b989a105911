import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.nn import LSTM, RNN


@pytest.mark.parametrize("kind", [RNN, LSTM])
@pytest.mark.parametrize("shape", [(1, 1, 3), (6, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_is_the_gradient(kind, shape, dtype):
    rng = np.random.default_rng(0)
    layer = kind(3, 4, rng=rng).astype(dtype)
    x = rng.standard_normal(shape).astype(dtype)
    assert layer(x).dtype == dtype
    assert layer(x).shape == (*shape[:2], 4)
    check_gradients(layer, x, rng, entries=100)


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_a_sequence_in_two_parts_gives_what_it_gives_in_one(kind):
    rng = np.random.default_rng(0)
    layer = kind(3, 4, rng=rng)
    x = rng.standard_normal((7, 2, 3), dtype=np.float32)
    whole = layer(x)
    np.testing.assert_array_equal(layer(x), whole)  # nothing is left over from the first pass
    first = layer(x[:3])
    layer.initial = layer.state
    parts = np.concatenate([first, layer(x[3:])])
    np.testing.assert_allclose(parts, whole, rtol=1e-6, atol=1e-6)


def test_the_gates_do_what_they_are_called_after():
    lstm = LSTM(1, 1, rng=np.random.default_rng(0))
    for p in lstm.parameters():
        p.data[...] = 0
    shut, open_ = -50, 50
    lstm.bias_ih_l0.data[:] = [shut, open_, 0, open_]  # write nothing, keep all, read
    lstm.initial = np.zeros((1, 1), np.float32), np.full((1, 1), 0.7, np.float32)
    y = lstm(np.ones((20, 1, 1), np.float32))
    np.testing.assert_allclose(y, np.tanh(0.7), rtol=1e-6)
    lstm.bias_ih_l0.data[1] = shut  # forget
    np.testing.assert_allclose(lstm(np.ones((2, 1, 1), np.float32)), 0, atol=1e-6)
