"""What a trainer can do after every epoch: keep the best weights, stop in time."""

from __future__ import annotations

import os

from dlcourse.nn.weights import save_weights
from dlcourse.training.history import Epoch
from dlcourse.training.trainer import Trainer


class KeepBest:
    """Writes the weights whenever the validation accuracy is the best so far.

    Parameters
    ----------
    path : path-like
        The ``.npz`` file to keep.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def __call__(self, trainer: Trainer, epoch: Epoch) -> None:
        if _best_epoch(trainer) == epoch.epoch and trainer.communicator.rank == 0:
            save_weights(trainer.model, self.path)


class EarlyStopping:
    """Ends training when the validation accuracy has not improved for some epochs.

    Parameters
    ----------
    patience : int
        Epochs without a new best before training ends.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def __call__(self, trainer: Trainer, epoch: Epoch) -> None:
        trainer.stop = epoch.epoch - _best_epoch(trainer) >= self.patience


def _best_epoch(trainer: Trainer) -> int:
    """The first epoch of the best validation accuracy."""
    # Read off the history, so that a resumed training knows it as well.
    epochs = trainer.history.epochs
    accuracies = [e.valid_accuracy for e in epochs if e.valid_accuracy is not None]
    if len(accuracies) < len(epochs):
        raise ValueError(
            "expected a validation set to judge epochs by, found none; pass one to Trainer.fit"
        )
    return epochs[accuracies.index(max(accuracies))].epoch
