"""A training whose numbers are none any more: it ends, and no checkpoint is written of it."""

from __future__ import annotations

from dlcourse.backend import array_module
from dlcourse.nn import Module


class TrainingDiverged(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""


def check_weights(model: Module, lr: float) -> None:
    """Check that all weights are finite, before they are kept: the last step may have broken them.

    Raises
    ------
    TrainingDiverged
        If one is infinite or not a number.
    """
    for name, parameter in model.named_parameters():
        if not array_module(parameter.data).isfinite(parameter.data).all():
            raise TrainingDiverged(
                f"{name} has values that are infinite or not a number, at a learning rate of "
                f"{lr:g}: try a smaller learning rate"
            )
