"""What happened in training, step by step and epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One pass over the training set."""

    epoch: int  #: counted from 1
    lr: float  #: learning rate of the last step
    train_loss: float  #: mean over the epoch's own forward passes, dropout and augmentation on
    train_accuracy: float
    valid_loss: float | None  #: None without a validation set
    valid_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How much of an unfinished epoch is done."""

    step: int = 0  #: steps done
    loss_sum: float = 0.0  #: over the images of these steps
    correct: int = 0
    count: int = 0
    seconds: float = 0.0


@dataclass
class History:
    """Loss of every step, and a summary of every epoch.

    Examples
    --------
    >>> history = History(step_loss=[2.3, 1.9])
    >>> History.from_dict(history.to_dict()) == history
    True
    """

    step_loss: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        """Rebuild a history from what `to_dict` returned."""
        return cls(list(data["step_loss"]), [Epoch(**epoch) for epoch in data["epochs"]])
