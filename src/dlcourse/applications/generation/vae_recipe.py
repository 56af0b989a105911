"""The run that made the variational autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.generation.recipe import rounded
from dlcourse.applications.generation.scores import JUDGE, load_judge, look, score
from dlcourse.applications.generation.vae import reconstruct, sample_vae, vae_steps
from dlcourse.data import load_mnist
from dlcourse.models import VAE
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import write_entry
from dlcourse.zoo.steps import train_in_steps

_LATENT = 8
_STEPS = 10_000
_BATCH = 64
_LR = 0.003
_SCORED = 10_000


def run_vae(output: Path, *, command: str, seed: int = 0, progress: bool = True) -> dict[str, Any]:
    """Train a VAE on MNIST into a folder, and return the record; see `zoo.entry`.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
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
    judge = load_judge()
    real = look(test.images, judge).features
    drawn = sample_vae(model, _SCORED, generator(seed, Stream.SAMPLE))
    redrawn = reconstruct(model, test.images)
    record = {
        "recipe": {"latent": _LATENT, "batch_size": _BATCH, "seed": seed},
        "training": training,
        "judge": JUDGE,
        "test": {
            "samples": _SCORED,
            "vae": rounded(score(drawn, judge, real)._asdict()),
            # The test images themselves, redrawn from what the encoder says about them.
            "redrawn_test_images": rounded(score(redrawn, judge, real)._asdict()),
        },
    }
    return write_entry(output, model.state_dict(), command, record)


def load_vae() -> VAE:
    """Return the zoo's variational autoencoder, ready to draw.

    Examples
    --------
    >>> load_vae().latent
    8
    """
    model = VAE(_LATENT, rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays("generation/vae"))
    model.eval()
    return model
