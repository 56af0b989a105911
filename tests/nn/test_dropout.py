import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import Dropout, Linear, Sequential


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    p=st.floats(0, 0.95),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_values_are_zero_or_scaled_up_and_so_are_gradients(p, shape, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    dropout = Dropout(p, rng=np.random.default_rng(1))
    y = dropout(x)
    assert y.dtype == dtype
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - p), rtol=1e-5)
    dx = dropout.backward(np.ones_like(x))
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, kept / (1 - p), rtol=1e-5)
    check_gradients(dropout, x, rng)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_p_and_the_mean_stays(p):
    y = Dropout(p, rng=np.random.default_rng(0))(np.ones((100, 1000), np.float32))
    assert (y == 0).mean() == pytest.approx(p, abs=0.005)
    assert y.mean() == pytest.approx(1, abs=0.03)


def test_eval_passes_unchanged_and_draws_nothing():
    rng = np.random.default_rng(0)
    dropout = Dropout(0.5, rng=rng).eval()
    x = np.ones((3, 4), np.float32)
    np.testing.assert_array_equal(dropout(x), x)
    np.testing.assert_array_equal(dropout.backward(x), x)
    assert rng.random() == np.random.default_rng(0).random()


def test_the_same_seed_drops_the_same_whatever_the_memory_order_and_dtype():
    x = np.ones((2, 3, 4, 5), np.float32)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    first, other, double = (
        Dropout(0.5, rng=np.random.default_rng(7))(v) for v in (x, last, x.astype(np.float64))
    )
    np.testing.assert_array_equal(first, other)
    np.testing.assert_array_equal(first, double)
    assert other.strides == last.strides
    again = Dropout(0.5, rng=np.random.default_rng(8))(x)
    assert (again != first).any()


def test_each_pass_draws_anew():
    dropout = Dropout(0.5, rng=np.random.default_rng(0))
    x = np.ones(100, np.float32)
    assert (dropout(x) != dropout(x)).any()


def test_training_without_a_generator_says_how_to_give_one():
    net = Sequential(Linear(3, 4, rng=np.random.default_rng(0)), Dropout(0.5))
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"call set_generator\(rng\) on the network"):
        net(x)
    net.set_generator(np.random.default_rng(0))
    assert (net(x) == 0).any()
    Dropout(0.0)(x)  # nothing to draw
