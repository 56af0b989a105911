"""What every optimizer keeps to, whatever its formula (that is in tests/parity)."""

import numpy as np
import pytest
from states import assert_state, copied, unchanged

from dlcourse.nn import Parameter
from dlcourse.optim import SGD, Adagrad, Adam, AdamW, Momentum, Nesterov, RMSprop

ALL = [SGD, Momentum, Nesterov, Adagrad, RMSprop, Adam, AdamW]
SHAPES = [(4, 3, 2, 2), (5, 4), (5,), ()]

every_optimizer = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


def make_parameters(dtype=np.float32):
    rng = np.random.default_rng(0)
    return [Parameter(np.asarray(rng.standard_normal(shape), dtype)) for shape in SHAPES]


def run(optimizer, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in optimizer.parameters:
            p.grad = np.asarray(rng.standard_normal(p.data.shape), p.data.dtype)
        optimizer.step()


@every_optimizer
def test_goes_down_to_the_minimum_of_a_bowl(kind):
    target = np.array([1.0, -2.0, 0.5])
    curvature = np.array([1.0, 10.0, 0.1])
    w = Parameter(np.zeros(3))
    optimizer = kind([w], lr=0.5 if kind is Adagrad else 0.02, weight_decay=0.0)
    for _ in range(4000):
        w.grad = curvature * (w.data - target)
        optimizer.step()
    np.testing.assert_allclose(w.data, target, atol=0.02)


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_works_in_place_and_keeps_dtypes(kind, dtype):
    parameters = make_parameters(dtype)
    arrays = [p.data for p in parameters]
    optimizer = kind(parameters, weight_decay=0.1)
    optimizer.lr = np.float64(1e-3)  # as a list of trial rates from np.geomspace would hold
    run(optimizer, 2, seed=1)
    assert all(p.data is array for p, array in zip(parameters, arrays, strict=True))
    assert all(p.data.dtype == dtype for p in parameters)
    for name, array in optimizer.state_dict().items():
        assert array.dtype == (np.int64 if name.startswith("step") else dtype), name


@every_optimizer
def test_leaves_the_gradients_as_they_are(kind):
    parameters = make_parameters()
    optimizer = kind(parameters, weight_decay=0.1)
    run(optimizer, 1, seed=1)
    before = [p.grad.copy() for p in parameters]
    optimizer.step()
    for p, grad in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(p.grad, grad)


@every_optimizer
def test_the_result_does_not_depend_on_memory_order(kind):
    plain, turned = make_parameters(), make_parameters()
    # A convolution keeps its weights and gradients in an order of its own.
    turned[0].data = turned[0].data.transpose(1, 2, 3, 0).copy().transpose(3, 0, 1, 2)
    turned[1].data = np.asfortranarray(turned[1].data)
    for parameters in (plain, turned):
        run(kind(parameters, weight_decay=0.1), 3, seed=1)
    for p, q in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@every_optimizer
def test_a_fresh_optimizer_goes_on_bit_for_bit(kind, tmp_path):
    parameters = make_parameters()
    optimizer = kind(parameters, weight_decay=0.1)
    run(optimizer, 4, seed=1)
    np.savez(tmp_path / "state.npz", **optimizer.state_dict())
    weights = [p.data.copy() for p in parameters]
    run(optimizer, 5, seed=2)

    resumed, forgetful = ([Parameter(w.copy()) for w in weights] for _ in range(2))
    fresh = kind(resumed, weight_decay=0.1)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        fresh.load_state_dict(dict(state))
    run(fresh, 5, seed=2)
    run(kind(forgetful, weight_decay=0.1), 5, seed=2)

    for p, q in zip(parameters, resumed, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert_state(optimizer, fresh.state_dict())
    # Only plain gradient descent has nothing to remember.
    same = all(np.array_equal(p.data, q.data) for p, q in zip(parameters, forgetful, strict=True))
    assert same == (kind is SGD)


@every_optimizer
def test_parameters_without_a_gradient_stand_still(kind):
    parameters = make_parameters()
    optimizer = kind(parameters, weight_decay=0.1)
    run(optimizer, 2, seed=1)
    parameters[1].grad = None
    data = parameters[1].data.copy()
    state = copied(optimizer)
    optimizer.step()
    np.testing.assert_array_equal(parameters[1].data, data)
    for name, array in optimizer.state_dict().items():
        assert np.array_equal(array, state[name]) == name.endswith(".1"), name


def test_weight_decay_is_coupled_except_in_adamw():
    # With no gradient of the loss, Adam's step is about lr whatever the weight; AdamW's is
    # lr * weight_decay * w.
    for kind, expected in [(Adam, [9.9, 0.9]), (AdamW, [9.5, 0.95]), (SGD, [9.5, 0.95])]:
        w = Parameter(np.array([10.0, 1.0]))
        w.grad = np.zeros(2)
        kind([w], lr=0.1, weight_decay=0.5).step()
        np.testing.assert_allclose(w.data, expected, rtol=1e-6, err_msg=kind.__name__)


def test_a_parameter_listed_twice_is_updated_once():
    w = Parameter(np.zeros(1))
    w.grad = np.ones(1)
    SGD([w, w], lr=1.0).step()
    assert w.data[0] == -1.0


# -- wrong input ----------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize(
    ("name", "value"),
    [("lr", -0.1), ("lr", float("nan")), ("lr", float("inf")), ("weight_decay", -1e-4)],
)
def test_wrong_rates(kind, name, value):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, inf\), found {value}"):
        kind(make_parameters(), **{name: value})


@every_optimizer
def test_a_gradient_of_another_shape_is_an_error(kind):
    w = Parameter(np.zeros((3, 2), np.float32))
    w.grad = np.ones(2, np.float32)
    optimizer = kind([w])
    with pytest.raises(ValueError, match=r"parameter 0 has shape \(2,\), expected .* \(3, 2\)"):
        optimizer.step()


def test_state_of_another_optimizer_or_model_changes_nothing():
    adam = Adam(make_parameters())
    run(adam, 2, seed=1)
    before = copied(adam)

    other_kind = Momentum(make_parameters()).state_dict()
    fewer = {name: a for name, a in before.items() if name != "exp_avg.2"}
    more = before | {"exp_avg.4": np.zeros(1)}
    misshapen = before | {"exp_avg_sq.1": np.zeros((4, 5), np.float32)}
    for state, message in [
        (other_kind, "does not fit Adam on 4 parameters: missing .*; unknown momentum_buffer.0"),
        (fewer, r"missing exp_avg\.2$"),
        (more, r"unknown exp_avg\.4$"),
        (misshapen, r"exp_avg_sq\.1 has shape \(4, 5\), expected \(5, 4\)"),
        # The last in order: those before it must not have been copied.
        (before | {"step.3": np.array("x")}, r"step\.3 has dtype <U1, expected numbers"),
        (before | {"step.3": np.array(1j)}, r"step\.3 has dtype complex128, expected numbers"),
    ]:
        with unchanged(adam), pytest.raises(ValueError, match=message):
            adam.load_state_dict({n: a if a.dtype.kind == "U" else a + 1 for n, a in state.items()})


def test_what_does_not_learn_any_more_keeps_still_whatever_gradient_it_had():
    parameter = Parameter(np.ones(2))
    parameter.grad = np.ones(2)
    parameter.requires_grad = False
    SGD([parameter], lr=0.1, weight_decay=0.1).step()
    assert parameter.data.tolist() == [1, 1]
