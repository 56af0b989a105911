"""Training an entry whose batches are not images with one label each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.nn import Module
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop


def train_in_steps(
    model: Module,
    step: Callable[[int], float],
    steps: int,
    output: Path,
    *,
    lr: float,
    settings: Mapping[str, Any],
    progress: bool,
) -> dict[str, Any]:
    """Train with Adam and a cosine schedule, and return how it went, for the record.

    Its seconds are None if training went on from a checkpoint: what came before was not timed.

    Parameters
    ----------
    model : Module
        What is trained.
    step : callable
        As for `Loop`.
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
    checkpoint = output / f"{type(model).__name__.lower()}.npz"
    resumed = checkpoint.exists()
    start = time.perf_counter()
    losses = Loop(
        model,
        optimizer,
        step,
        schedule=CosineAnnealingLR(optimizer, T_max=steps),
        max_norm=10.0,
        checkpoint=checkpoint,
        settings={**settings, "steps": steps, "lr": lr},
        progress=progress,
    ).run(steps)
    seconds = round(time.perf_counter() - start, 1)
    return {
        "steps": steps,
        "lr": lr,
        "seconds": None if resumed else seconds,
        "losses": [round(float(np.mean(part)), 4) for part in _parts(losses, 20)],
    }


def _parts(losses: Sequence[float], count: int) -> list[np.ndarray]:
    return np.array_split(np.asarray(losses), min(count, len(losses)))
