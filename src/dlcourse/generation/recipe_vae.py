"""The run that made the variational autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.data import load_mnist
from dlcourse.generation.vae import VAELoss, vae_steps
from dlcourse.models import VAE
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import write_entry
from dlcourse.zoo.steps import train_in_steps

_LATENT = 8
_STEPS = 10_000
_BATCH = 64
_LR = 0.003


def run_vae(output: Path, *, command: str, seed: int = 0, progress: bool = True) -> dict[str, Any]:
    """Train a VAE on MNIST into a folder, and return the record; see `zoo.entry`.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run goes on.
    command : str
        The command that asks for it, for the record.
    seed : int
        What initial weights, batches and noise are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    train, test = load_mnist()
    model = VAE(_LATENT, rng=generator(seed, Stream.INIT))
    training = train_in_steps(
        model,
        vae_steps(model, train.images, _BATCH, seed),
        _STEPS,
        output,
        lr=_LR,
        settings={"latent": _LATENT, "seed": seed, "batch_size": _BATCH},
        progress=progress,
    )
