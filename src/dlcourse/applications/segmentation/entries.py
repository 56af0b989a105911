"""The runs that made FCN-32s, -16s and -8s, each from the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.segmentation.training import evaluate_fcn, fcn_steps
from dlcourse.data.scenes import CLASSES, load_scenes
from dlcourse.models import FCN
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import take_over, write_entry
from dlcourse.zoo.steps import train_in_steps

#: Steps and highest learning rate by stride; each finer one begins with the coarser one's weights.
_PLAN = {32: (1200, 0.002), 16: (500, 0.001), 8: (500, 0.001)}
_BATCH = 16


def run_fcn(
    stride: int, output: Path, *, command: str, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train FCN with a stride into a folder, and return the record; see `zoo.entry`.

    Parameters
    ----------
    stride : int
        32, 16 or 8. FCN-16s begins with the zoo's FCN-32s, and FCN-8s with its FCN-16s.
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What initial weights, scenes and dropout are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    steps, lr = _PLAN[stride]
    model = FCN(len(CLASSES), stride, rng=generator(seed, Stream.INIT))
    if stride < 32:
        take_over(model, zoo.arrays(f"scenes/fcn-{2 * stride}s"))
    # Other scenes for each stage, so that none is seen twice.
    scenes = load_scenes("train", steps * _BATCH, seed=3 * seed + _order(stride))
    training = train_in_steps(
        model,
        fcn_steps(model, scenes, _BATCH, seed),
        steps,
        output,
        lr=lr,
        settings={"stride": stride, "seed": seed},
        progress=progress,
    )
    test = {
        str(count): evaluate_fcn(model, load_scenes("test", count))[0]._asdict()
        for count in (100, 500)
    }
    recipe = {"stride": stride, "seed": seed, "batch_size": _BATCH}
    return write_entry(
        output, model.state_dict(), command, {"recipe": recipe, "training": training, "test": test}
    )


def load_fcn(name: str = "fcn-8s") -> FCN:
    """Return a segmenter of the zoo, ready to predict: fcn-32s, fcn-16s or fcn-8s.

    Examples
    --------
    >>> load_fcn("fcn-8s").predict(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 96, 96)
    """
    stride = int(name.removeprefix("fcn-").removesuffix("s"))
    model = FCN(len(CLASSES), stride, rng=np.random.default_rng(0))
    model.load_state_dict(zoo.arrays(f"scenes/{name}"))
    model.eval()
    return model


def _order(stride: int) -> int:
    return list(_PLAN).index(stride)
