import numpy as np
import pytest
from gradients import check_gradients

from dlcourse.nn import (
    AvgPool2d,
    BatchNorm2d,
    Chain,
    Concat,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Residual,
    Sequential,
    Tanh,
)

IMAGES = np.random.default_rng(0).standard_normal((2, 3, 6, 5), dtype=np.float32)


def conv(c_in, c_out, kernel=1, seed=0, **options):
    return Conv2d(c_in, c_out, kernel, **options, rng=np.random.default_rng(seed))


def inception():
    return Concat(
        conv(3, 2),
        Sequential(conv(3, 2), ReLU(), conv(2, 3, 3, padding=1)),
        Sequential(AvgPool2d(3, stride=1, padding=1), conv(3, 1)),
    )


def residual_block():
    return Residual(
        Sequential(
            conv(3, 4, 3, stride=2, padding=1, bias=False),
            BatchNorm2d(4),
            ReLU(),
            conv(4, 4, 3, padding=1, bias=False, seed=1),
            BatchNorm2d(4),
        ),
        shortcut=Sequential(conv(3, 4, stride=2, bias=False), BatchNorm2d(4)),
    )


NETWORKS = {
    "sequential": lambda: Sequential(
        conv(3, 4, 3), Tanh(), MaxPool2d(2), Flatten(),
        Linear(8, 5, rng=np.random.default_rng(0)), ReLU(),
    ),
    "empty": Sequential,
    "residual": lambda: Residual(Sequential(conv(3, 3), Tanh())),
    "residual with projection": residual_block,
    "concat": inception,
    "one branch": lambda: Concat(Tanh()),
    "nested": lambda: Sequential(Concat(residual_block(), conv(3, 2, stride=2)), Residual(Tanh())),
}  # fmt: skip


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_backward_is_the_gradient_of_forward(make):
    check_gradients(make(), IMAGES, np.random.default_rng(0))


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_arguments_are_not_changed_and_float32_stays(make):
    net = make()
    x = IMAGES.copy()
    dy = np.ones_like(net(x))
    dx = net.backward(dy)
    assert dx.dtype == np.float32
    np.testing.assert_array_equal(x, IMAGES)
    np.testing.assert_array_equal(dy, 1)


def test_sequential_runs_in_order_and_can_be_looked_into():
    first, second = conv(3, 4), conv(4, 2)
    net = Sequential(first, second)
    np.testing.assert_array_equal(net(IMAGES), second(first(IMAGES)))
    assert len(net) == 2 and net[0] is first and net[-1] is second and list(net) == [first, second]


def test_concat_joins_in_order():
    net = inception()
    y = net(IMAGES)
    assert y.shape == (2, 6, 6, 5)
    np.testing.assert_array_equal(y[:, 2:5], net[1](IMAGES))


def test_residual_without_a_change_doubles():
    np.testing.assert_array_equal(Residual(Sequential())(IMAGES), 2 * IMAGES)


class Watched(Module):
    """Tells whether it was asked to leave out the gradient of its input."""

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy if self.input_grad else None


def test_a_chain_is_a_sequence_with_names():
    class Named(Chain):
        def __init__(self, rng):
            super().__init__()
            self.body = Linear(3, 4, rng=rng)
            self.relu = ReLU()
            self.head = Linear(4, 2, rng=rng)

    rng = np.random.default_rng(0)
    named = Named(rng)
    check_gradients(named, rng.standard_normal((5, 3)), rng)
    twin = Sequential(named.body, named.relu, named.head)
    x, dy = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    np.testing.assert_array_equal(named(x), twin(x))
    dx = named.backward(dy)
    np.testing.assert_array_equal(dx, twin.backward(dy))
    assert list(named.state_dict()) == ["body.weight", "body.bias", "head.weight", "head.bias"]
    named.skip_input_grad()
    assert (named.body.input_grad, named.head.input_grad) == (False, True)
    named(x)
    assert named.backward(dy) is None


def test_only_the_first_layer_skips_the_gradient_of_its_input():
    first, second = Watched(), Watched()
    net = Sequential(Sequential(first, second), Watched())
    net.skip_input_grad()
    assert (first.input_grad, second.input_grad, net[1].input_grad) == (False, True, True)
    Sequential().skip_input_grad()
