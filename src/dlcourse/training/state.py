"""The state of a `Trainer`: taken, put back, and made the same on all ranks.

Only rank 0 reads and writes files, so the ranks need no common disk.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dlcourse.distributed import broadcast_arrays, broadcast_json
from dlcourse.files import Found
from dlcourse.nn.state import put
from dlcourse.training.checkpoint import Checkpoint, reading_checkpoint
from dlcourse.training.cutting import needs_whole_batch
from dlcourse.training.history import History, Progress

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
    """Go on from a checkpoint, which came from ``trainer.checkpoint``.

    Raises
    ------
    FileError
        If it belongs to a training run with other settings, or something in it is impossible; the
        trainer is then as it was.
    """
    path = trainer.checkpoint
    assert path is not None
    saved.expect(settings, path)
    model, optimizer = trainer.model.state_dict(), trainer.optimizer.state_dict()
    pairs = saved.fitted(model, optimizer, path)
    before = _numbers(trainer)
    with reading_checkpoint(path):
        try:
            _set_numbers(trainer, {name: getattr(saved, name) for name in before})
            _check_progress(trainer, settings["images"], settings["batch_size"])
        except BaseException:
            _set_numbers(trainer, before)
            raise
    put(pairs)
    if saved.ranks != trainer.communicator.size:
        warnings.warn(_what_changes(trainer, saved.ranks), stacklevel=3)


def share(trainer: Trainer, settings: dict[str, Any]) -> None:
    """Give all ranks the state of rank 0.

    Raises
    ------
    ValueError
        If a rank's settings differ from those of rank 0.
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
    """All the state that is not arrays, fit for JSON."""
    schedule, scaler, within = trainer.schedule, trainer.scaler, trainer.within_epoch
    return {
        "schedule": None if schedule is None else schedule.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "history": trainer.history.to_dict(),
        "within_epoch": None if within is None else asdict(within),
        "stop": trainer.stop,
    }


def _set_numbers(trainer: Trainer, numbers: dict[str, Any]) -> None:
    for name in ("schedule", "scaler"):
        owner, state = getattr(trainer, name), numbers[name]
        if owner is not None:
            if not all(value is None or _is_number(value) for value in state.values()):
                raise Found(f"one whose {name} has things other than numbers")
            owner.load_state_dict(state)
    trainer.history = History.from_dict(numbers["history"])
    within = numbers["within_epoch"]
    trainer.within_epoch = None if within is None else Progress(**within)
    trainer.stop = numbers["stop"]


def _check_progress(trainer: Trainer, images: int, batch_size: int) -> None:
    """Check that what was done adds up: whole epochs, and steps of one that is not over."""
    history, within = trainer.history, trainer.within_epoch or Progress()
    epochs = [asdict(epoch) for epoch in history.epochs]
    numbers = [*history.step_loss, *asdict(within).values(), trainer.optimizer.lr]
    if not all(map(_is_number, numbers)) or not all(map(math.isfinite, numbers)):
        raise Found("one whose losses, progress or learning rate are not finite numbers")
    if not all(v is None or _is_number(v) for epoch in epochs for v in epoch.values()):
        raise Found("one whose epochs have things other than numbers")
    steps = math.ceil(images / batch_size)
    started = trainer.within_epoch is not None
    if not (
        [epoch["epoch"] for epoch in epochs] == list(range(1, len(epochs) + 1))
        and started <= within.step < steps
        and within.count == within.step * batch_size
        and len(history.step_loss) == len(epochs) * steps + within.step
    ):
        raise Found(
            f"one that has done {len(history.step_loss)} steps, in {len(epochs)} epochs of {steps} "
            f"and {within.step} of the next"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


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
