"""Training an entry whose batches are not images with one label each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.nn import Module
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop, descent
from dlcourse.zoo.networks import Network
from dlcourse.zoo.training import Trained


def train_in_steps(
    model: Module,
    network: Network,
    gradients: Callable[[int], float],
    steps: int,
    folder: Path,
    *,
    lr: float,
    recipe: Mapping[str, Any],
    seed: int,
    input: Sequence[int] | None = None,
    progress: bool,
) -> Trained:
    """Train with Adam and a cosine schedule.

    Parameters
    ----------
    model : Module
        What is trained.
    network : mapping
        The same as data; see `dlcourse.zoo.networks`.
    gradients : callable
        As for `descent`.
    steps : int
        How many.
    folder : pathlib.Path
        Where the checkpoint is; an interrupted run goes on from it.
    lr : float
        The highest learning rate.
    recipe : mapping
        What else decides the result, and must be the same for a checkpoint to fit.
    seed : int
        What was drawn from.
    input : sequence of int, optional
        The shape of what the network takes, if it takes one array.
    progress : bool
        Whether to show a progress bar.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    history = Loop(
        descent(gradients, optimizer, schedule=schedule, max_norm=10.0),
        {"model": model, "optimizer": optimizer},
        checkpoint=folder / f"{type(model).__name__.lower()}.npz",
        settings={**recipe, "seed": seed, "steps": steps, "lr": lr},
        progress=progress,
    ).run(steps)
    losses = [round(float(np.mean(part)), 4) for part in _parts(history["loss"], 20)]
    return Trained(
        model.state_dict(),
        recipe,
        training={"steps": steps, "lr": lr, "losses": losses},
        seconds=round(history.seconds, 1),  # over all its parts, if it was interrupted
        network=network,
        input=input,
    )


def _parts(losses: Sequence[float], count: int) -> list[np.ndarray]:
    return np.array_split(np.asarray(losses), min(count, len(losses)))
