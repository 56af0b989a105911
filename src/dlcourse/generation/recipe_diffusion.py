"""The run that made the diffusion model."""

from __future__ import annotations

import time
from pathlib import Path

from dlcourse.data import load_mnist
from dlcourse.generation.diffusion import cosine_schedule, diffusion_steps
from dlcourse.models import UNet
from dlcourse.optim import Adam, WeightAverage
from dlcourse.training import Loop, Stream, generator

#: Steps of noising.
SCHEDULE = cosine_schedule(200)
_WIDTHS = (16, 32, 64)
_BATCH = 32
_LR = 0.0015
_DECAY = 0.999


def train(output, steps, seed=0, progress=True):
    model = UNet(_WIDTHS, rng=generator(seed, Stream.INIT))
    optimizer = WeightAverage(Adam(model.parameters(), lr=_LR), _DECAY)
    images = load_mnist()[0].images
    loop = Loop(
        model,
        optimizer,
        diffusion_steps(model, images, SCHEDULE, _BATCH, seed),
        max_norm=1.0,
        checkpoint=output / "unet.npz",
        settings={"seed": seed, "widths": list(_WIDTHS), "batch_size": _BATCH, "lr": _LR, "decay": _DECAY},
        progress=progress,
    )
    return loop.run(steps)
