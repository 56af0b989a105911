"""Training an entry whose batches are not images with one label each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.nn import Module
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop, descent


def train_in_steps(
    model: Module,
    gradients: Callable[[int], float],
    steps: int,
    output: Path,
    *,
    lr: float,
    settings: Mapping[str, Any],
    progress: bool,
) -> dict[str, Any]:
    """Train with Adam and a cosine schedule, and return how it went, for the record.

    Parameters
    ----------
    model : Module
        What is trained.
    gradients : callable
        As for `descent`.
    steps : int
        How many.
    output : pathlib.Path
        Folder of the checkpoint; an interrupted run goes on from it.
    lr : float
        The highest learning rate.
    settings : mapping
        What must be the same for a checkpoint to fit.
    progress : bool
        Whether to show a progress bar.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    history = Loop(
        descent(gradients, optimizer, schedule=schedule, max_norm=10.0),
        {"model": model, "optimizer": optimizer},
        checkpoint=output / f"{type(model).__name__.lower()}.npz",
        settings={**settings, "steps": steps, "lr": lr},
        progress=progress,
    ).run(steps)
    return {
        "steps": steps,
        "lr": lr,
        "seconds": round(history.seconds, 1),  # over all its parts, if it was interrupted
        "losses": [round(float(np.mean(part)), 4) for part in _parts(history["loss"], 20)],
    }


def _parts(losses: Sequence[float], count: int) -> list[np.ndarray]:
    return np.array_split(np.asarray(losses), min(count, len(losses)))
