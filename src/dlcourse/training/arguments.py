"""Arguments that cannot be meant: each is refused in one sentence, before any training."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from dlcourse.nn import Module
from dlcourse.optim import Optimizer, Schedule


def check_norm(max_norm: float | None) -> None:
    """Refuse a bound on the gradients that is not a number above 0; None means no bound."""
    if max_norm is not None and not (isinstance(max_norm, Real) and max_norm > 0):
        raise ValueError(f"max_norm must be a number above 0, found {max_norm!r}")


def check_kind(name: str, value: Any, kind: type | tuple[type, ...], hint: str) -> None:
    """Refuse what is not of the right type, with a hint on what to pass."""
    if not isinstance(value, kind):
        found = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise TypeError(f"{name} must be {hint}, found {found}")


def check_callable(name: str, value: Any, hint: str) -> None:
    """Refuse what cannot be called, with a hint on how it is called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, {hint}, found {type(value).__name__}")


def check_optimizer(model: Module, optimizer: Optimizer, schedule: Schedule | None = None) -> None:
    """Refuse an optimizer for another network, and a schedule for another optimizer.

    Raises
    ------
    TypeError
        If one of them has the wrong type.
    ValueError
        If the optimizer has parameters that are not the model's, or the schedule sets the learning
        rate of another optimizer.
    """
    check_kind("model", model, Module, "a network, such as DeepConvNet(rng=rng)")
    check_kind("optimizer", optimizer, Optimizer, "an optimizer, such as Adam(model.parameters())")
    check_owned([model], optimizer)
    if schedule is not None:
        check_schedule(schedule, optimizer)


def check_owned(models: Sequence[Module], optimizer: Optimizer) -> None:
    """Refuse an optimizer with parameters that belong to none of some networks."""
    own = {parameter for model in models for parameter in model.parameters()}
    foreign = sum(parameter not in own for parameter in optimizer.parameters)
    if foreign:
        names = " or ".join(type(model).__name__ for model in models) or "state without a network"
        raise ValueError(
            f"the optimizer has {foreign} parameters, of {len(optimizer.parameters)}, that this "
            f"{names} does not have: make it from model.parameters() once the "
            "model has its final layers"
        )


def check_schedule(schedule: Schedule, optimizer: Optimizer) -> None:
    """Refuse a schedule that sets the learning rate of another optimizer."""
    check_kind("schedule", schedule, Schedule, "a schedule, such as StepLR(optimizer, 10)")
    inside = getattr(optimizer, "optimizer", optimizer)  # a WeightAverage has its optimizer's rate
    if schedule.optimizer not in (optimizer, inside):
        raise ValueError(
            "the schedule sets the learning rate of another optimizer: make it for the one that "
            "trains"
        )


def check_loss(make_loss: Any) -> None:
    """Refuse what does not make losses when it is called without arguments."""
    if not _makes_losses(make_loss):
        found = getattr(make_loss, "__name__", f"a {type(make_loss).__name__}")
        raise TypeError(
            "make_loss must make a new loss for each worker: pass the class, CrossEntropyLoss, or "
            f"a function, lambda: CrossEntropyLoss(label_smoothing=0.1), found {found}"
        )


def _makes_losses(make_loss: Any) -> bool:
    try:
        inspect.signature(make_loss).bind()
    except TypeError:  # it cannot be called, or needs arguments, as a loss itself does
        return False
    loss = make_loss()
    return callable(loss) and hasattr(loss, "backward")


def check_callbacks(callbacks: Iterable[Any]) -> list[Any]:
    """Return callbacks as a list of callables."""
    check_kind("callbacks", callbacks, Iterable, "a list, such as [EarlyStopping(3)]")
    callbacks = list(callbacks)
    for callback in callbacks:
        check_callable("each of callbacks", callback, "callback(trainer, epoch)")
    return callbacks
