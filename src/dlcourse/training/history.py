"""What happened in training: numbers of every step, and what was seen on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training set, as a `Trainer` sums it up."""

    epoch: int  #: counted from 1
    lr: float  #: learning rate of the last step
    train_loss: float  #: mean over the epoch's own forward passes, dropout and augmentation on
    train_accuracy: float
    valid_loss: float | None  #: None without a validation set
    valid_accuracy: float | None
    seconds: float


@dataclass
class History:
    """What a `Loop` keeps: numbers of every step, and what its ``watch`` saw.

    Attributes
    ----------
    numbers : dict from str to list of float
        What the steps returned, by name: one number for each step. ``history["loss"]`` is short
        for ``history.numbers["loss"]``.
    watched : list of dict
        What ``watch`` returned, and as ``"step"`` the number of steps done by then.
    seconds : float
        How long it took, over all its parts if it was interrupted.

    Examples
    --------
    >>> history = History({"loss": [2.3, 1.9]})
    >>> history["loss"], history.done
    ([2.3, 1.9], 2)
    """

    numbers: dict[str, list[float]] = field(default_factory=dict)
    watched: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = field(default=0.0, compare=False)

    def __getitem__(self, name: str) -> list[float]:
        return self.numbers[name]

    @property
    def done(self) -> int:
        """Steps done."""
        return max(map(len, self.numbers.values()), default=0)

    @property
    def step_loss(self) -> list[float]:
        """The loss of every step."""
        return self.numbers.get("loss", [])

    @property
    def epochs(self) -> list[Epoch]:
        """What a `Trainer` saw: a summary of every epoch."""
        return [
            Epoch(**{name: value for name, value in look.items() if name != "step"})
            for look in self.watched
        ]
