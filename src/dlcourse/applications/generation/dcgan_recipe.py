"""Training and measuring the DCGAN of the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.generation.adversarial import adversarial_steps
from dlcourse.applications.generation.latent import generate, latent_vectors
from dlcourse.applications.generation.scores import JUDGE, judged
from dlcourse.data import load_mnist
from dlcourse.files import reading
from dlcourse.models import DCGAN
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.optim import Adam, Schedule
from dlcourse.training import Loop, Stream, generator
from dlcourse.zoo.training import Trained

_NETWORK = {"kind": "DCGAN"}
_STEPS, _BATCH_SIZE = 4800, 32
#: Steps of the first cycle of learning rates; the second takes up the rest.
_FIRST_CYCLE = 3200
#: Five times the published one, which is meant for networks with far more channels.
_LR = 1e-3
_WATCH_EVERY = 400
#: Images that are scored at each check and at the end, and how many are kept as pictures.
_WATCHED, _SCORED, _SHOWN = 500, 10_000, 10


def train_dcgan(folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train DCGAN on the training images of MNIST.

    The learning rates fall to zero in two cycles (the idea of Loshchilov and Hutter 2017). The
    second was added when the judge was confident about 78% of samples after the first, less than
    the 80% that were wanted. The generator is measured every 400 steps, and the last weights are
    those of the entry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = zoo.build(_NETWORK, generator(seed, Stream.INIT))
    makes, judges = model.generator, model.discriminator
    train, _ = load_mnist()
    vectors = latent_vectors(_WATCHED, makes.latent, generator(seed, Stream.SAMPLE, 0))

    def watch(step: int) -> dict[str, Any]:
        images = generate(makes, vectors)
        save_arrays(folder / f"pictures-{step}.npz", {"pictures": images[:_SHOWN, 0]})
        return judged(images)

    optimizer_g = Adam(makes.parameters(), _LR, betas=(0.5, 0.999))
    optimizer_d = Adam(judges.parameters(), _LR, betas=(0.5, 0.999))
    schedules = [_TwoCycles(optimizer_g), _TwoCycles(optimizer_d)]
    recipe = {"batch_size": _BATCH_SIZE, "images": len(train), "lr": _LR, "steps": _STEPS}
    real = 2 * train.images - 1
    history = Loop(
        adversarial_steps(
            makes, judges, optimizer_g, optimizer_d, real, _BATCH_SIZE, seed, schedules=schedules
        ),
        {"G": makes, "D": judges, "optimizer_g": optimizer_g, "optimizer_d": optimizer_d},
        watch=watch,
        watch_every=_WATCH_EVERY,
        checkpoint=folder / "dcgan.npz",
        settings={**recipe, "seed": seed},
        progress=progress,
    ).run(_STEPS)
    files = [folder / f"pictures-{look['step']}.npz" for look in history.watched]
    return Trained(
        {**model.state_dict(), "pictures": np.stack([_pictures(file) for file in files])},
        recipe=recipe,
        seconds=round(history.seconds, 1),
        training={
            # Means of a hundred steps each.
            "history": {
                name: np.reshape(values, (-1, 100)).mean(axis=1).round(4).tolist()
                for name, values in history.numbers.items()
            },
            "watched": history.watched,
        },
        network=_NETWORK,
        input=(makes.latent, 1, 1),
    )


def evaluate_dcgan(model: DCGAN, *, whole: bool = True) -> dict[str, Any]:
    """Return the scores of samples, whatever `whole` says; see `judged`."""
    makes = model.generator
    vectors = latent_vectors(_SCORED, makes.latent, generator(0, Stream.SAMPLE, 1))
    return {"judge": JUDGE, "samples": _SCORED, "dcgan": judged(generate(makes, vectors))}


def _pictures(path: Path) -> np.ndarray:
    arrays = load_arrays(path)
    with reading(path, "the pictures of a check", "remove the folder's files to start afresh"):
        return arrays["pictures"]


class _TwoCycles(Schedule):
    """The learning rate as it is, falling to 0; then once more from there to 0."""

    def lr_at(self, epoch: float) -> float:
        if epoch < _FIRST_CYCLE:
            return self.base_lr * min(1.0, 2 * (1 - epoch / _FIRST_CYCLE))
        return self.base_lr * ((_STEPS - epoch) / (_STEPS - _FIRST_CYCLE))
