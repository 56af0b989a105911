import numpy as np
import pytest
from gradients import check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.nn import Flatten, Linear


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 5),
    inputs=st.integers(1, 7),
    outputs=st.integers(1, 7),
    bias=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_forward_is_the_definition_and_backward_its_gradient(n, inputs, outputs, bias, dtype):
    rng = np.random.default_rng(0)
    linear = Linear(inputs, outputs, bias, rng=rng).astype(dtype)
    if bias:
        linear.bias.data[...] = rng.standard_normal(outputs)
    x = rng.standard_normal((n, inputs)).astype(dtype)
    y = linear(x)
    assert y.dtype == dtype
    expected = np.einsum("ni,oi->no", x, linear.weight.data)
    np.testing.assert_allclose(y, expected + (linear.bias.data if bias else 0), atol=1e-5)
    check_gradients(linear, x, rng)


def test_it_starts_with_he_weights_and_no_bias():
    linear = Linear(50, 400, rng=np.random.default_rng(0))
    assert linear.weight.data.shape == (400, 50)
    assert linear.weight.data.dtype == linear.bias.data.dtype == np.float32
    assert linear.weight.data.std() == pytest.approx(np.sqrt(2 / 50), rel=0.02)
    assert not linear.bias.data.any()


@pytest.mark.parametrize("channels_last", [False, True])
def test_flatten_has_channels_first_and_returns_the_order_in_memory(channels_last):
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    expected = x.reshape(2, -1)
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    flatten = Flatten()
    y = flatten(x)
    np.testing.assert_array_equal(y, expected)
    dx = flatten.backward(y)
    np.testing.assert_array_equal(dx, x)
    assert dx.strides == x.strides
    check_gradients(flatten, x, np.random.default_rng(0))
