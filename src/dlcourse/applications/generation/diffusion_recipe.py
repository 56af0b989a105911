"""Training and measuring the diffusion model of the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.generation.denoising import sample_diffusion
from dlcourse.applications.generation.diffusion import cosine_schedule, diffusion_gradients
from dlcourse.applications.generation.scores import JUDGE, judged
from dlcourse.data import load_mnist
from dlcourse.models import UNet
from dlcourse.optim import Adam, WeightAverage
from dlcourse.training import Loop, Stream, descent, generator
from dlcourse.zoo.training import Trained

#: Steps of noising.
SCHEDULE = cosine_schedule(200)
_NETWORK = {"kind": "UNet", "widths": [16, 32, 64]}
_STEPS = 12_000
_BATCH = 32
_LR = 0.0015
_DECAY = 0.999
#: Ways to draw by name: how many samples are scored, and in how many steps they are made.
_WAYS = {
    "ddim-5": (2000, 5),
    "ddim-10": (2000, 10),
    "ddim-25": (2000, 25),
    "ddim-50": (2000, 50),
    "ddpm": (500, None),
    # As many samples by as many steps, to compare with.
    "ddim-200": (500, 200),
}


def train_diffusion(folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train a diffusion model on MNIST.

    What ships is the average of the weights over the last steps.
    """
    train, _ = load_mnist()
    model = zoo.build(_NETWORK, generator(seed, Stream.INIT))
    optimizer = WeightAverage(Adam(model.parameters(), lr=_LR), _DECAY)
    recipe = {"batch_size": _BATCH, "lr": _LR, "decay": _DECAY}
    gradients = diffusion_gradients(model, train.images, SCHEDULE, _BATCH, seed)
    history = Loop(
        descent(gradients, optimizer, max_norm=1.0),
        {"model": model, "optimizer": optimizer},
        checkpoint=folder / "unet.npz",
        settings={**recipe, "seed": seed, "widths": _NETWORK["widths"]},
        progress=progress,
    ).run(_STEPS)
    parts = np.split(np.array(history["loss"]), 24)
    optimizer.copy_to(model)
    return Trained(
        model.state_dict(),
        recipe={**recipe, "noising_steps": SCHEDULE.steps, "steps": _STEPS},
        seconds=round(history.seconds, 1),
        training={"losses": [round(float(np.mean(part)), 4) for part in parts]},
        network=_NETWORK,
    )


def evaluate_diffusion(model: UNet, *, whole: bool = True) -> dict[str, Any]:
    """Return the scores of samples drawn in several ways, or only in the quickest; see `judged`."""
    test: dict[str, Any] = {"judge": JUDGE}
    for name, (count, steps) in _WAYS.items() if whole else [*_WAYS.items()][:1]:
        rng = generator(0, Stream.SAMPLE)
        drawn = sample_diffusion(model, SCHEDULE, count, rng, steps)
        test[name] = {"samples": count, **judged(drawn)}
    return test
