"""ReLU and its relatives in C against NumPy and PyTorch."""

import natively
import numpy as np
import pytest

from dlcourse import native, nn
from dlcourse.kernels import plain

pytestmark = natively.NEEDED

LAYERS = {"ReLU": nn.ReLU, "ReLU6": nn.ReLU6, "LeakyReLU": lambda: nn.LeakyReLU(0.2)}
each = pytest.mark.parametrize("name", LAYERS)


def both_passes(name, x, dy):
    layer = LAYERS[name]()
    return layer(x), layer.backward(dy)


@each
@natively.BOTH
@pytest.mark.parametrize("shape", [(), (0,), (1,), (17,), (3, 0, 2), (2, 3, 5, 7), (1, 1, 1, 1)])
def test_the_same_as_numpy_whatever_the_values(name, dtype, shape):
    x, dy = natively.special(shape or 1, dtype), natively.special(shape or 1, dtype, seed=1)
    x, dy = x.reshape(shape), dy.reshape(shape)
    with plain():
        expected = both_passes(name, x, dy)
    for found, one in zip(both_passes(name, x, dy), expected, strict=True):
        assert found.dtype == dtype and found.shape == shape
        np.testing.assert_array_equal(found, one)


@each
@pytest.mark.parametrize("order", natively.ORDERS)
@pytest.mark.parametrize("other", natively.ORDERS)
def test_any_memory_order_of_values_and_gradients(name, order, other):
    x, dy = (natively.special((4, 3, 5, 6), np.float32, seed) for seed in (0, 1))
    x, dy = natively.lying(x, order), natively.lying(dy, other)
    before = x.copy(), dy.copy()
    with plain():
        expected = both_passes(name, x.copy("C"), dy.copy("C"))
    found = both_passes(name, x, dy)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal((x, dy), before)
    if order == "channels last":
        assert found[0].strides == found[1].strides == x.strides


@each
@natively.BOTH
def test_no_bit_depends_on_threads_or_on_the_place(name, dtype):
    x, dy = natively.special((2, 200_003), dtype)
    y, dx = natively.on_each_number_of_threads(lambda: both_passes(name, x, dy))
    found = both_passes(name, x[7:100_000].copy(), dy[7:100_000].copy())
    assert found[0].tobytes() == y[7:100_000].tobytes()
    assert found[1].tobytes() == dx[7:100_000].tobytes()


@each
def test_the_same_as_torch(name):
    torch = pytest.importorskip("torch")
    x, dy = natively.special((2, 3, 4, 5), np.float32), np.ones((2, 3, 4, 5), np.float32)
    if name == "ReLU6":
        x = np.nan_to_num(x)  # torch's gradient at NaN depends on the place in memory
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    y = {"ReLU": torch.relu, "ReLU6": torch.nn.functional.relu6}.get(
        name, lambda t: torch.nn.functional.leaky_relu(t, 0.2)
    )(tensor)
    y.backward(torch.from_numpy(dy))
    found = both_passes(name, x, dy)
    np.testing.assert_array_equal(found[0], y.detach().numpy())
    np.testing.assert_array_equal(found[1], tensor.grad.numpy())


@natively.BOTH
def test_a_sum_and_its_relu(dtype):
    a, b = natively.special((2, 4, 3, 5, 7), dtype)
    with np.errstate(invalid="ignore"):
        expected = np.maximum(a + b, 0)
    np.testing.assert_array_equal(native.add_relu(a, b)[0], expected)
    last = natively.lying(a, "channels last")
    y, kept = native.add_relu(last, b)
    np.testing.assert_array_equal(y, expected)
    assert y.strides == last.strides
    np.testing.assert_array_equal(
        native.relu_grad(np.ones_like(b), kept), np.where(expected <= 0, 0, 1)
    )


@pytest.mark.parametrize("order", natively.ORDERS)
def test_relu_of_a_sum_and_its_gradient(order):
    x, plus, dy = np.random.default_rng(0).standard_normal((3, 4, 3, 5, 6)).astype(np.float32)
    x = natively.lying(x, order)
    relu = nn.ReLU()
    np.testing.assert_array_equal(relu(x, plus=plus), np.maximum(x + plus, 0))
    np.testing.assert_array_equal(relu.backward(dy), dy * (x + plus > 0))
    np.testing.assert_array_equal(relu(x, plus=plus[:1]), np.maximum(x + plus[:1], 0))


def test_the_result_may_go_where_an_input_is():
    x = natively.special((3, 4, 5, 6), np.float32)
    expected = np.maximum(x, 0)
    y, kept = native.relu(x, out=x)
    assert y is x
    np.testing.assert_array_equal(x, expected)
    dy = np.ones_like(x)
    assert native.relu_grad(dy, kept, out=dy) is dy
    np.testing.assert_array_equal(dy, ~(expected <= 0))


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, 2), np.float32),
        np.zeros((2, 3)),
        np.zeros((2, 6), np.float32)[:, ::2],
        np.zeros((2, 3), np.float32)[::-1],
    ],
)
def test_where_no_result_can_go(out):
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"out must be an array of shape \(2, 3\) .* without gaps"):
        native.relu(x, out=out)


def test_what_has_no_kernel_is_left_to_numpy():
    for dtype in (np.float16, np.longdouble):
        assert nn.ReLU()(np.array([-1, 2], dtype)).tolist() == [0, 2]
