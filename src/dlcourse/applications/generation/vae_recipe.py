"""Training and measuring the variational autoencoder of the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlcourse import zoo
from dlcourse.applications.generation.scores import JUDGE, judged
from dlcourse.applications.generation.vae import reconstruct, sample_vae, vae_gradients
from dlcourse.data import load_mnist
from dlcourse.models import VAE
from dlcourse.training import Stream, generator
from dlcourse.zoo.steps import train_in_steps
from dlcourse.zoo.training import Trained

_NETWORK = {"kind": "VAE", "latent": 8}
_STEPS = 10_000
_BATCH = 64
_LR = 0.003
_SCORED = 10_000


def train_vae(folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train a VAE on MNIST."""
    train, _ = load_mnist()
    model = zoo.build(_NETWORK, generator(seed, Stream.INIT))
    return train_in_steps(
        model,
        _NETWORK,
        vae_gradients(model, train.images, _BATCH, seed),
        _STEPS,
        folder,
        lr=_LR,
        recipe={"batch_size": _BATCH},
        seed=seed,
        input=train.images.shape[1:],
        progress=progress,
    )


def evaluate_vae(model: VAE, *, whole: bool = True) -> dict[str, Any]:
    """Return the scores of samples, whatever `whole` says; see `judged`."""
    return {
        "judge": JUDGE,
        "samples": _SCORED,
        "vae": judged(sample_vae(model, _SCORED, generator(0, Stream.SAMPLE))),
        # The test images themselves, redrawn from what the encoder says about them.
        "redrawn_test_images": judged(reconstruct(model, load_mnist()[1].images)),
    }
