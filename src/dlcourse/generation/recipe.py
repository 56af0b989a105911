"""The run that made the zoo's DCGAN."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.data import load_mnist
from dlcourse.generation.adversarial import KEPT, AdversarialLoop
from dlcourse.generation.latent import generate, latent_vectors
from dlcourse.generation.scores import JUDGE, load_judge, look, score
from dlcourse.models import DCGANDiscriminator, DCGANGenerator
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import write_entry

_STEPS = 9000
_WATCH_EVERY = 500
#: Images that are scored at each look and in the end, and how many are kept as pictures.
_WATCHED, _SCORED, _SHOWN = 1000, 10_000, 10


def run_dcgan(
    output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train DCGAN on the training images of MNIST into a folder, and return the record.

    Every 500 steps the generator is measured: nothing is decided by what comes out, and the last
    weights are those of the entry.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run goes on.
    command : str
        The command that asks for it, for the record.
    seed : int
        What initial weights, batches and vectors are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    output.mkdir(parents=True, exist_ok=True)
    rng = generator(seed, Stream.INIT)
    makes, judges = DCGANGenerator(rng=rng), DCGANDiscriminator(rng=rng)
    train, test = load_mnist()
    judge = load_judge()
    real = look(test.images, judge).features
    vectors = latent_vectors(_WATCHED, makes.latent, generator(seed, Stream.NOISE, _STEPS + 1))

    def watch(makes: DCGANGenerator, step: int) -> dict[str, Any]:
        images = generate(makes, vectors)
        np.save(output / f"pictures-{step}.npy", images[:_SHOWN, 0])
        return rounded(score(images, judge, real)._asdict())

    loop = AdversarialLoop(
        makes,
        judges,
        2 * train.images - 1,
        seed=seed,
        watch=watch,
        watch_every=_WATCH_EVERY,
        checkpoint=output / "dcgan.npz",
        progress=progress,
    )
    start = time.process_time()
    history = loop.run(_STEPS)
    seconds = time.process_time() - start
    scored = generate(
        makes, latent_vectors(_SCORED, makes.latent, generator(seed, Stream.NOISE, _STEPS))
    )
    steps = [look["step"] for look in loop.watched]
    arrays = {
        **{f"generator.{name}": a for name, a in makes.state_dict().items()},
        **{f"discriminator.{name}": a for name, a in judges.state_dict().items()},
        "pictures": np.stack([np.load(output / f"pictures-{step}.npy") for step in steps]),
    }
    record = {
        "recipe": {**loop.settings, "steps": _STEPS},
        "training": {
            "cpu_seconds": round(seconds, 1),  # of this run, from where it went on
            "parameters": {
                "generator": sum(p.data.size for p in makes.parameters()),
                "discriminator": sum(p.data.size for p in judges.parameters()),
            },
            # Means of a hundred steps each.
            "history": {
                name: np.reshape(history[name], (-1, 100)).mean(axis=1).round(4).tolist()
                for name in KEPT
            },
            "watched": loop.watched,
        },
        "judge": JUDGE,
        "test": {
            "samples": _SCORED,
            "dcgan": rounded(score(scored, judge, real)._asdict()),
            # What real images reach: the same judge on training images and on the test images.
            "training_images": rounded(score(train.images[:_SCORED], judge, real)._asdict()),
        },
    }
    return write_entry(output, arrays, command, record)


def rounded(scores: dict[str, Any]) -> dict[str, Any]:
    """Return scores with four places behind the point, for a record."""
    return {
        name: [round(x, 4) for x in value] if isinstance(value, tuple) else round(value, 4)
        for name, value in scores.items()
    }
