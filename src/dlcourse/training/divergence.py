"""Training whose numbers are no longer numbers: it ends, and no checkpoint is written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping

from dlcourse.backend import array_module
from dlcourse.nn import Module
from dlcourse.optim import Optimizer


class TrainingDiverged(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""


def check_numbers(
    numbers: Mapping[str, float],
    when: str,
    optimizers: Iterable[Optimizer],
    kept: str | os.PathLike[str] | None = None,
) -> None:
    """Check that what a step returned is finite.

    Parameters
    ----------
    numbers : mapping from str to float
        The numbers by name.
    when : str
        As in "in step 3".
    optimizers : iterable of Optimizer
        Whose learning rates were perhaps too high.
    kept : path-like, optional
        A file that has what was before.

    Raises
    ------
    TrainingDiverged
        If a number is infinite or not a number.

    Examples
    --------
    >>> check_numbers({"loss": math.inf}, "in step 3", [])
    Traceback (most recent call last):
    dlcourse.training.divergence.TrainingDiverged: the loss became inf in step 3: try a smaller \
learning rate, a warm-up or max_norm
    """
    for name, value in numbers.items():
        if not math.isfinite(value):
            before = f"; {kept} keeps what was before" if kept is not None else ""
            raise TrainingDiverged(
                f"the {name.replace('_', ' ')} became {value} {when}{_at(optimizers)}: try a "
                f"smaller learning rate, a warm-up or max_norm{before}"
            )


def check_weights(models: Iterable[Module], optimizers: Iterable[Optimizer]) -> None:
    """Check that all weights are finite, before they are kept: the last step may have broken them.

    Raises
    ------
    TrainingDiverged
        If one is infinite or not a number.
    """
    arrays = [parameter.data for model in models for parameter in model.parameters()]
    xp = array_module(*arrays)
    # On a GPU one number comes back, not one for each.
    if arrays and not xp.stack([xp.isfinite(array).all() for array in arrays]).all():
        raise TrainingDiverged(
            f"the weights are no longer finite numbers{_at(optimizers)}: try a smaller learning "
            "rate"
        )


def _at(optimizers: Iterable[Optimizer]) -> str:
    rates = [f"{optimizer.lr:g}" for optimizer in optimizers]
    return f", at a learning rate of {' and '.join(rates)}" if rates else ""
