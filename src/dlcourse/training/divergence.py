"""Training whose numbers are no longer numbers: it ends, and no checkpoint is written."""

from __future__ import annotations


class TrainingDiverged(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""
