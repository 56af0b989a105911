"""Schedules: fractions of an epoch, going on from a state, wrong input (numbers: parity)."""

import json

import numpy as np
import pytest

from dlcourse.nn import Parameter
from dlcourse.optim import (
    SGD,
    CosineAnnealingLR,
    LinearWarmup,
    ReduceLROnPlateau,
    StepLR,
)


def sgd(lr=0.1):
    return SGD([Parameter(np.zeros(1, np.float32))], lr=lr)


MAKERS = {
    "step": lambda o: StepLR(o, step_size=3, gamma=0.5),
    "cosine": lambda o: CosineAnnealingLR(o, T_max=10, eta_min=0.01),
    "warmup": lambda o: LinearWarmup(o, warmup=2),
    "warmup-cosine": lambda o: LinearWarmup(o, 2, 0.1, CosineAnnealingLR(o, T_max=8)),
    "plateau": lambda o: ReduceLROnPlateau(o, patience=1, factor=0.5),
    "warmup-plateau": lambda o: LinearWarmup(o, 2, 0.1, ReduceLROnPlateau(o, patience=1)),
}
LOSSES = (0.9, 0.8, 0.9, 0.85, 0.9, 0.7, 0.75, 0.8, 0.9, 0.8)


def epochs(schedule, numbers):
    """Train as the Trainer does: four steps an epoch, then one look at the loss."""
    rates = []
    for number in numbers:
        for step in range(4):
            schedule.move_to(number + step / 4)
            rates.append(schedule.optimizer.lr)
        schedule.observe(LOSSES[number])
    return rates


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_resumed_schedule_goes_on_the_same(make):
    unbroken = make(sgd())
    expected = epochs(unbroken, range(10))
    for stop in (1, 3, 7):
        first = make(sgd())
        rates = epochs(first, range(stop))
        state = json.loads(json.dumps(first.state_dict(), allow_nan=False))
        second = make(sgd(lr=123.0))  # the base rate belongs to the state
        second.load_state_dict(state)
        assert second.optimizer.lr == first.optimizer.lr
        assert rates + epochs(second, range(stop, 10)) == expected
        assert second.state_dict() == unbroken.state_dict()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_step_alone_counts_in_ones(make):
    counted, told = make(sgd()), make(sgd())
    for t in range(1, 12):
        told.move_to(t)
        if isinstance(counted, ReduceLROnPlateau):  # takes the metric of each epoch, as in torch
            counted.step(1.0)
            told.observe(1.0)
        else:
            counted.step()
        assert counted.optimizer.lr == told.optimizer.lr


def test_rates_between_epochs():
    step, cosine = StepLR(sgd(1.0), step_size=2), CosineAnnealingLR(sgd(1.0), T_max=1)
    assert [step.lr_at(t) for t in (0.0, 1.99, 2.0, 2.5)] == [1.0, 1.0, 0.1, 0.1]
    assert cosine.lr_at(0.5) == pytest.approx(0.5)
    warmup = LinearWarmup(sgd(1.0), warmup=0.5, start_factor=0.2)
    assert [warmup.lr_at(t) for t in (0, 0.25, 0.5, 7)] == pytest.approx([0.2, 0.6, 1.0, 1.0])


def test_the_rate_is_set_from_the_first_moment_and_has_no_jump():
    optimizer = sgd(0.4)
    schedule = LinearWarmup(optimizer, 2, 0.25, CosineAnnealingLR(optimizer, T_max=6))
    assert optimizer.lr == 0.1
    rates = [schedule.lr_at(t) for t in np.linspace(0, 8, 1001)]
    assert max(rates) == 0.4
    assert np.abs(np.diff(rates)).max() < 0.002
    assert rates[-1] == pytest.approx(0.0)


def test_warmup_before_warmup_keeps_the_base_rate():
    optimizer = sgd(1.0)
    inner = LinearWarmup(optimizer, 2, 0.5)
    outer = LinearWarmup(optimizer, 2, 0.1, after=inner)
    assert outer.base_lr == 1.0
    assert outer.lr_at(4.0) == 1.0


def test_plateau_ignores_time_and_survives_not_a_number():
    schedule = ReduceLROnPlateau(sgd(1.0), mode="max", factor=0.5, patience=1)
    for accuracy in (float("nan"), 0.5, 0.6):
        schedule.observe(accuracy)
        schedule.move_to(100.0)
    assert schedule.optimizer.lr == 1.0
    schedule.observe(float("nan"))
    schedule.observe(0.6)  # no better than the best
    assert schedule.optimizer.lr == 0.5


def test_the_plateau_looks_only_after_the_warmup():
    optimizer = sgd(1.0)
    plateau = ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    schedule = LinearWarmup(optimizer, 2, 0.1, after=plateau)
    for epoch in range(2):
        schedule.move_to(epoch + 0.75)
        schedule.observe(1.0)
    assert plateau.best is None
    for epoch in (2, 3):
        schedule.move_to(epoch)
        schedule.observe(1.0)
    assert optimizer.lr == 0.5


def test_state_of_another_schedule_changes_nothing():
    schedule = MAKERS["warmup-cosine"](sgd())
    schedule.move_to(5)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match="another schedule than LinearWarmup: expected base_lr"):
        schedule.load_state_dict(StepLR(sgd(), 2).state_dict())
    assert schedule.state_dict() == before
