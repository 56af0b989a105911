"""Steps of optimizers in C against NumPy."""

import natively
import numpy as np
import pytest

from dlcourse import optim
from dlcourse.kernels import plain
from dlcourse.nn import Parameter

pytestmark = natively.NEEDED

OPTIMIZERS = {
    "SGD": optim.SGD,
    "Momentum": optim.Momentum,
    "Nesterov": optim.Nesterov,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
}
each = pytest.mark.parametrize("name", OPTIMIZERS)


def trained(kind, weights, steps=3, **options):
    """The weights after some steps, and the state."""
    rng = np.random.default_rng(1)
    parameter = Parameter(weights.copy("K"))
    optimizer = kind([parameter], lr=0.1, **options)
    for _ in range(steps):
        parameter.grad = rng.standard_normal(weights.shape).astype(weights.dtype)
        optimizer.step()
    return [parameter.data, *optimizer.state_dict().values()]


@each
@natively.BOTH
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7, 11), (100_001,)])
def test_the_same_as_numpy(name, dtype, weight_decay, shape):
    weights = np.asarray(np.random.default_rng(0).standard_normal(shape), dtype)
    with plain():
        expected = trained(OPTIMIZERS[name], weights, weight_decay=weight_decay)
    found = trained(OPTIMIZERS[name], weights, weight_decay=weight_decay)
    digits = dict(rtol=1e-5, atol=1e-6) if dtype == np.float32 else dict(rtol=1e-12, atol=1e-14)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, **digits)


@each
def test_no_bit_depends_on_threads_or_memory_order(name):
    weights = np.random.default_rng(0).standard_normal((300, 700)).astype(np.float32)
    run = lambda given: trained(OPTIMIZERS[name], given, weight_decay=0.1)  # noqa: E731
    expected = natively.on_each_number_of_threads(lambda: run(weights))
    for found, one in zip(run(np.asfortranarray(weights)), expected, strict=True):
        np.testing.assert_array_equal(found, one)


@each
def test_weights_with_gaps_are_left_to_numpy_and_what_is_between_stays(name):
    whole = np.ones((6, 5), np.float32)
    parameter = Parameter(np.ones((3, 5), np.float32))
    parameter.data = whole[::2]
    parameter.grad = np.ones((3, 5), np.float32)
    OPTIMIZERS[name]([parameter], lr=0.1).step()
    assert (whole[1::2] == 1).all() and (whole[::2] != 1).all()


@each
def test_a_rule_of_ones_own_is_kept_to(name):
    class Still(OPTIMIZERS[name]):
        def update(self, data, grad, state):
            pass

    class Halved(OPTIMIZERS[name]):
        def decayed(self, data, grad):
            data *= 0.5
            return grad * 0

    still = trained(Still, np.ones(3, np.float32), weight_decay=0.0)
    assert still[0].tolist() == [1, 1, 1]
    np.testing.assert_array_equal(trained(Halved, np.ones(3, np.float32), steps=1)[0], 0.5)


@each
def test_infinite_gradients_and_those_that_are_none(name):
    weights = np.ones(4, np.float32)
    results = []
    for with_kernels in (True, False):
        parameter = Parameter(weights.copy())
        parameter.grad = np.array([np.inf, -np.inf, np.nan, 1], np.float32)
        optimizer = OPTIMIZERS[name]([parameter], lr=0.1)
        with np.errstate(invalid="ignore"):
            if with_kernels:
                optimizer.step()
            else:
                with plain():
                    optimizer.step()
        results.append([parameter.data, *optimizer.state_dict().values()])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
