import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import LeakyReLU, ReLU, ReLU6, Sigmoid, Tanh

ACTIVATIONS = {
    "relu": (ReLU, lambda x: np.where(x > 0, x, 0)),
    "relu6": (ReLU6, lambda x: np.minimum(np.maximum(x, 0), 6)),
    "leaky": (lambda: LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "tanh": (Tanh, np.tanh),
    "sigmoid": (Sigmoid, lambda x: 1 / (1 + np.exp(-x))),
}
each = pytest.mark.parametrize(("make", "definition"), ACTIVATIONS.values(), ids=ACTIVATIONS)


@each
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_forward_is_the_definition_and_backward_its_gradient(make, definition, shape, dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype) * 3
    activation = make()
    y = activation(x)
    assert y.dtype == dtype
    assert activation.backward(np.ones_like(y)).dtype == dtype
    np.testing.assert_allclose(y, definition(x), rtol=1e-5, atol=1e-6)
    check_gradients(activation, x, rng)


@each
def test_memory_order_is_kept_and_nothing_is_changed(make, definition):
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 3), dtype=np.float32)
    x = x.transpose(0, 3, 1, 2)
    dy = x + 1
    x_before, dy_before = x.copy(), dy.copy()
    activation = make()
    y = activation(x)
    dx = activation.backward(dy)
    assert y.strides == dx.strides == x.strides
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)


def test_relu_has_no_gradient_at_zero():
    relu = ReLU()
    relu(np.array([-1.0, 0.0, 1.0], np.float32))
    np.testing.assert_array_equal(relu.backward(np.ones(3, np.float32)), [0, 0, 1])


@pytest.mark.parametrize("activation", [Sigmoid(), Tanh()])
def test_huge_inputs_neither_overflow_nor_warn(activation):
    x = np.array([-1e30, -1e4, 1e4, 1e30], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = activation(x)
        dx = activation.backward(np.ones_like(x))
    lowest = -1 if isinstance(activation, Tanh) else 0
    np.testing.assert_array_equal(y, [lowest, lowest, 1, 1])
    np.testing.assert_array_equal(dx, 0)


def test_sigmoid_is_exact_far_below_zero():
    # 0.5 * (1 + tanh(x / 2)) would give 0 here.
    y = Sigmoid()(np.array([-30.0], np.float32))
    np.testing.assert_allclose(y, np.exp(-30.0), rtol=1e-5)


def test_not_a_number_is_passed_on():
    x = np.array([np.nan], np.float32)
    for make, _ in ACTIVATIONS.values():
        assert np.isnan(make()(x)).all()


def test_relu_of_a_sum():
    x, plus, dy = np.random.default_rng(0).standard_normal((3, 2, 3)).astype(np.float16)
    relu = ReLU()
    np.testing.assert_array_equal(relu(x, plus=plus), np.maximum(x + plus, 0))
    np.testing.assert_array_equal(relu.backward(dy), np.where(x + plus > 0, dy, 0))
