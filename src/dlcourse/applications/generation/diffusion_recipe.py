"""The run that made the zoo's diffusion model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.generation.diffusion import (
    cosine_schedule,
    diffusion_steps,
    sample_diffusion,
)
from dlcourse.applications.generation.recipe import rounded
from dlcourse.applications.generation.scores import JUDGE, load_judge, look, score
from dlcourse.data import load_mnist
from dlcourse.models import UNet
from dlcourse.optim import Adam, WeightAverage
from dlcourse.training import Loop, Stream, generator
from dlcourse.zoo.entry import write_entry

# Steps of noising.
SCHEDULE = cosine_schedule(200)
_WIDTHS = (16, 32, 64)
_STEPS = 12_000
_BATCH = 32
_LR = 0.0015
_DECAY = 0.999
#: How many samples are scored: those made in a few large steps, and some made in all small ones.
_SCORED = 2000
_WAYS = {"ddim-5": 5, "ddim-10": 10, "ddim-25": 25, "ddim-50": 50}
_SCORED_SLOWLY = 500


def run_diffusion(
    output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train a diffusion model on MNIST into a folder, and return the record; see `zoo.entry`.

    What ships is the average of the weights over the last steps.

    Parameters
    ----------
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What initial weights, images and noise are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    train, test = load_mnist()
    model = UNet(_WIDTHS, rng=generator(seed, Stream.INIT))
    optimizer = WeightAverage(Adam(model.parameters(), lr=_LR), _DECAY)
    settings = {"seed": seed, "widths": list(_WIDTHS), "batch_size": _BATCH, "lr": _LR}
    settings["decay"] = _DECAY
    losses = Loop(
        model,
        optimizer,
        diffusion_steps(model, train.images, SCHEDULE, _BATCH, seed),
        max_norm=1.0,
        checkpoint=output / "unet.npz",
        settings=settings,
        progress=progress,
    ).run(_STEPS)
    optimizer.copy_to(model)
    model.eval()
    judge = load_judge()
    real = look(test.images, judge).features

    def measure(count: int, steps: int | None) -> dict[str, Any]:
        rng = generator(seed, Stream.SAMPLE)
        drawn = sample_diffusion(model, SCHEDULE, count, rng, steps)
        return {"samples": count, **rounded(score(drawn, judge, real)._asdict())}

    record = {
        "recipe": {**settings, "noising_steps": SCHEDULE.steps, "steps": _STEPS},
        "training": {
            "parameters": sum(p.data.size for p in model.parameters()),
            "losses": [round(float(np.mean(part)), 4) for part in np.split(np.array(losses), 24)],
        },
        "judge": JUDGE,
        "test": {
            **{name: measure(_SCORED, steps) for name, steps in _WAYS.items()},
            "ddpm": measure(_SCORED_SLOWLY, None),
            # As many samples by as many steps, to compare with.
            "ddim-200": measure(_SCORED_SLOWLY, 200),
        },
    }
    return write_entry(output, model.state_dict(), command, record)


def load_diffusion() -> UNet:
    """Return the zoo's diffusion model, ready to draw with `SCHEDULE`.

    Examples
    --------
    >>> load_diffusion().training
    False
    """
    model = UNet(_WIDTHS, rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays("generation/diffusion"))
    model.eval()
    return model
