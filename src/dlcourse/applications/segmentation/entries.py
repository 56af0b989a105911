"""The segmenters of the zoo: FCN-32s, -16s and -8s, each from the one before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from dlcourse import zoo
from dlcourse.applications.segmentation.training import evaluate_fcn, fcn_gradients
from dlcourse.data.scenes import CLASSES, load_scenes
from dlcourse.models import FCN
from dlcourse.training import Stream, generator
from dlcourse.zoo.entry import take_over
from dlcourse.zoo.steps import train_in_steps
from dlcourse.zoo.training import Entry, Trained

#: Steps and highest learning rate by stride; each finer one begins with the coarser one's weights.
_PLAN = {32: (1200, 0.002), 16: (500, 0.001), 8: (500, 0.001)}
_BATCH = 16


def train_fcn(stride: int, folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train FCN with a stride of 32, 16 or 8; FCN-16s begins with the zoo's FCN-32s, and so on."""
    steps, lr = _PLAN[stride]
    network = {"kind": "FCN", "classes": len(CLASSES), "stride": stride}
    model = zoo.build(network, generator(seed, Stream.INIT))
    if stride < 32:
        take_over(model, zoo.arrays(f"scenes/fcn-{2 * stride}s"))
    # Other scenes for each stage, so that none is seen twice.
    scenes = load_scenes("train", steps * _BATCH, seed=3 * seed + list(_PLAN).index(stride))
    return train_in_steps(
        model,
        network,
        fcn_gradients(model, scenes, _BATCH, seed),
        steps,
        folder,
        lr=lr,
        recipe={"stride": stride, "batch_size": _BATCH},
        seed=seed,
        input=scenes[0].image.shape,
        progress=progress,
    )


def evaluate(model: FCN, *, whole: bool = True) -> dict[str, Any]:
    """Return the scores on 100 test scenes, and on 500."""
    return {
        str(count): evaluate_fcn(model, load_scenes("test", count))[0]._asdict()
        for count in ((100, 500) if whole else (100,))
    }


ENTRIES = [Entry(f"scenes/fcn-{stride}s", partial(train_fcn, stride), evaluate) for stride in _PLAN]
