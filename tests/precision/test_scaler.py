import math

import numpy as np
import pytest

from dlcourse.nn import Parameter
from dlcourse.precision import LossScaler


def parameter(grad):
    w = Parameter(np.zeros(len(grad), np.float32))
    w.grad = np.array(grad, np.float32)
    return w


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_any_value_that_is_not_finite_skips_and_halves(bad):
    scaler = LossScaler(init_scale=64)
    assert not scaler.update([parameter([1.0]), parameter([1.0, bad])])
    assert (scaler.scale, scaler.skipped) == (32, 1)


def test_the_scale_grows_after_good_steps_in_a_row():
    scaler = LossScaler(init_scale=1, growth_interval=3)
    good, bad = [parameter([1.0])], [parameter([math.inf])]
    scales = []
    for step in [good, good, bad, good, good, good, good]:
        scaler.update(step)
        scales.append(scaler.scale)
    assert scales == [1, 1, 0.5, 0.5, 0.5, 1, 1]


def test_the_scale_stays_a_number():
    scaler = LossScaler(init_scale=2.0**119, growth_interval=1)
    for _ in range(20):
        scaler.update([parameter([1.0])])
    assert scaler.scale == 2.0**120


def test_parameters_without_a_gradient_are_passed_over():
    assert LossScaler().update([Parameter(np.zeros(1, np.float32)), parameter([1.0])])


def test_state_goes_on_where_it_was():
    first = LossScaler(init_scale=4, growth_interval=3)
    steps = [[parameter([v])] for v in (1.0, math.nan, 1.0, 1.0, 1.0)]
    for step in steps[:4]:
        first.update(step)
    second = LossScaler(growth_interval=3)
    second.load_state_dict(first.state_dict())
    for scaler in (first, second):
        scaler.update(steps[4])
    assert first.state_dict() == second.state_dict() == {"scale": 4, "good_steps": 3, "skipped": 1}


def test_a_foreign_state_is_refused():
    with pytest.raises(ValueError, match=r"state of a LossScaler, found \['epoch'\]"):
        LossScaler().load_state_dict({"epoch": 1})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (dict(init_scale=0), "init_scale"),
        (dict(init_scale=math.inf), "init_scale"),
        (dict(growth_factor=0.5), "growth_factor"),
        (dict(backoff_factor=0), "backoff_factor"),
        (dict(backoff_factor=2), "backoff_factor"),
        (dict(growth_interval=0), "growth_interval"),
    ],
)
def test_options_are_checked(options, name):
    with pytest.raises(ValueError, match=name):
        LossScaler(**options)
