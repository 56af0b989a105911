"""The state of a `Trainer`: taken, put back, and made the same on all ranks.

Only rank 0 reads and writes files, so the ranks need no common disk.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dlcourse.distributed import broadcast_arrays, broadcast_json
from dlcourse.training.checkpoint import Checkpoint
from dlcourse.training.history import History, Progress
from dlcourse.training.parallel import needs_whole_batch

if TYPE_CHECKING:
    from dlcourse.training.trainer import Trainer


def snapshot(trainer: Trainer, settings: dict[str, Any]) -> Checkpoint:
    """Return what the training needs to go on from here; arrays are not copied."""
    return Checkpoint(
        trainer.model.state_dict(),
        trainer.optimizer.state_dict(),
        settings=settings,
        ranks=trainer.communicator.size,
        **_numbers(trainer),
    )


def restore(trainer: Trainer, saved: Checkpoint, settings: dict[str, Any]) -> None:
    """Go on from a checkpoint.

    Raises
    ------
    ValueError
        If it belongs to a training with other settings.
    """
    saved.expect(settings, trainer.checkpoint)
    trainer.model.load_state_dict(saved.model)
    trainer.optimizer.load_state_dict(saved.optimizer)
    _set_numbers(trainer, {name: getattr(saved, name) for name in _numbers(trainer)})
    if saved.ranks != trainer.communicator.size:
        warnings.warn(_what_changes(trainer, saved.ranks), stacklevel=3)


def share(trainer: Trainer, settings: dict[str, Any]) -> None:
    """Give all ranks the state of rank 0.

    Raises
    ------
    ValueError
        If a rank's settings are others than those of rank 0.
    """
    communicator = trainer.communicator
    for name, value in broadcast_json(settings, communicator).items():
        if settings[name] != value:
            raise ValueError(
                f"rank {communicator.rank} trains with {name} {settings[name]!r}, rank 0 with "
                f"{value!r}; start all ranks with the same settings"
            )
    broadcast_arrays(trainer.model.state_dict().values(), communicator)
    broadcast_arrays(trainer.optimizer.state_dict().values(), communicator)
    _set_numbers(trainer, broadcast_json(_numbers(trainer), communicator))


def _numbers(trainer: Trainer) -> dict[str, Any]:
    """All of the state that is not arrays, fit for JSON."""
    schedule, scaler, within = trainer.schedule, trainer.scaler, trainer.within_epoch
    return {
        "schedule": None if schedule is None else schedule.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "history": trainer.history.to_dict(),
        "within_epoch": None if within is None else asdict(within),
        "stop": trainer.stop,
    }


def _set_numbers(trainer: Trainer, numbers: dict[str, Any]) -> None:
    if trainer.schedule is not None and numbers["schedule"] is not None:
        trainer.schedule.load_state_dict(numbers["schedule"])
    if trainer.scaler is not None and numbers["scaler"] is not None:
        trainer.scaler.load_state_dict(numbers["scaler"])
    trainer.history = History.from_dict(numbers["history"])
    within = numbers["within_epoch"]
    trainer.within_epoch = None if within is None else Progress(**within)
    trainer.stop = numbers["stop"]


def _what_changes(trainer: Trainer, before: int) -> str:
    now = trainer.communicator.size
    if needs_whole_batch(trainer.model):
        change = (
            "each step sees the same images, but ranks draw other random numbers for dropout and "
            "augmentation, and sums are taken in another order"
        )
    elif all(ranks & (ranks - 1) == 0 for ranks in (before, now)):
        change = "each step sees the same images and takes the same sums: not a bit changes"
    else:
        change = (
            "each step sees the same images, but the sum of the gradients is taken in another "
            "order, so roundings differ, and with them the weights"
        )
    return f"training goes on with {now} rank{'s' * (now > 1)} in place of {before}; {change}"
