"""Training whose numbers are no longer numbers: it ends, and no checkpoint is written."""

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
    arrays = [parameter.data for parameter in model.parameters()]
    xp = array_module(*arrays)
    # On a GPU one number comes back, not one for each.
    if arrays and not xp.stack([xp.isfinite(array).all() for array in arrays]).all():
        raise TrainingDiverged(
            "the weights are no longer finite numbers, at a learning rate of "
            f"{lr:g}: try a smaller learning rate"
        )
