"""Classifiers trained by recipes, and the recipes of those in the zoo.

The command line's ``dlcourse train`` and the entries of the zoo are the same thing: a recipe,
run into a folder with the weights and a record of how they came about.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from dlcourse.data import Dataset
from dlcourse.distributed import Communicator, SyncBatchNorm, broadcast_arrays
from dlcourse.models import Classifier
from dlcourse.nn import CrossEntropyLoss
from dlcourse.nn.weights import load_weights
from dlcourse.training import (
    Epoch,
    KeepBest,
    ParallelModel,
    Stream,
    Trainer,
    TrainingDiverged,
    generator,
)
from dlcourse.zoo.networks import build
from dlcourse.zoo.recipe import AUGMENTATIONS, DATASETS, OPTIMIZERS, SCHEDULES, Recipe
from dlcourse.zoo.training import Entry, Trained


def classifier(
    recipe: Recipe,
    name: str | None = None,
    *,
    ships: bool = False,
    workers: int | None = None,
    checkpoint_every: int | None = None,
    communicator: Communicator | None = None,
) -> Entry:
    """Return how a classifier is trained and measured, for `make`.

    Parameters
    ----------
    recipe : Recipe
        What to train, the seed included.
    name : str, optional
        Its name in the zoo.
    ships : bool
        Whether its weights ship.
    workers : int, optional
        Threads; one per core when left out.
    checkpoint_every : int, optional
        Steps within an epoch after which ``checkpoint.npz`` is written as well.
    communicator : Communicator, optional
        The connection to other ranks that train by the same recipe.
    """
    shared: dict[str, Any] = {"workers": workers, "communicator": communicator}
    train = partial(train_classifier, recipe, checkpoint_every=checkpoint_every, **shared)
    measure = partial(evaluate_classifier, data=recipe.data, **shared)
    return Entry(name, train, measure, recipe.seed, ships, asdict(recipe))


def train_classifier(
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    progress: bool,
    workers: int | None,
    checkpoint_every: int | None,
    communicator: Communicator | None,
) -> Trained:
    """Train by a recipe, with another seed if need be; see `classifier`.

    The folder receives ``checkpoint.npz`` after every epoch. The weights are those of the epoch
    that was best on the held-out images, if there are any, or otherwise of the last.

    Raises
    ------
    TrainingDiverged
        If the loss becomes infinite or not a number. The folder keeps the last good checkpoint.
    """
    recipe = replace(recipe, seed=seed)
    train, valid, _ = recipe.load_data()
    model = build(recipe.network, generator(recipe.seed, Stream.INIT))
    if communicator is not None and communicator.size > 1:
        SyncBatchNorm.convert(model, communicator)
    best = folder / "best.npz"
    optimizer = OPTIMIZERS[recipe.optimizer](model.parameters(), lr=recipe.lr)
    history = Trainer(
        model,
        optimizer,
        schedule=SCHEDULES[recipe.schedule](optimizer, recipe.epochs),
        augment=AUGMENTATIONS[recipe.augment](),
        callbacks=[_StillFinite(train.subset(slice(25))), *([KeepBest(best)] if valid else [])],
        checkpoint=folder / "checkpoint.npz",
        checkpoint_every=checkpoint_every,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        workers=workers,
        communicator=communicator,
        progress=progress,
    ).fit(train, valid, epochs=recipe.epochs)
    if valid:
        if communicator is None or communicator.rank == 0:
            load_weights(model, best)
        if communicator is not None:
            broadcast_arrays(model.state_dict().values(), communicator)
    return Trained(
        arrays=model.state_dict(),
        recipe=asdict(recipe),
        training={
            "ranks": 1 if communicator is None else communicator.size,
            "workers": workers,
            "epochs": [asdict(epoch) for epoch in history.epochs],
        },
        seconds=round(sum(epoch.seconds for epoch in history.epochs), 1),
        network=recipe.network,
        input=train.images.shape[1:],
        dtype=train.images.dtype,
    )


def evaluate_classifier(
    model: Classifier,
    *,
    data: str,
    whole: bool = True,
    workers: int | None = None,
    communicator: Communicator | None = None,
) -> dict[str, Any]:
    """Return accuracy and loss on the test images of a data set, whatever `whole` says.

    Raises
    ------
    TrainingDiverged
        If the loss is infinite or not a number.
    """
    _, test = DATASETS[data]()
    if communicator is not None and communicator.size > 1:
        SyncBatchNorm.convert(model, communicator)
    with ParallelModel(model, CrossEntropyLoss, workers, communicator=communicator) as parallel:
        score = parallel.evaluate(test.images, test.labels)
    if not math.isfinite(score.loss):
        raise TrainingDiverged(
            f"the loss on the test images is {score.loss}: try a smaller learning rate"
        )
    return {
        "images": score.count,
        "errors": score.count - score.correct,
        "accuracy": score.accuracy,
        "loss": score.loss,
    }


class _StillFinite:
    """Ends a run before it keeps weights whose loss is no longer a number.

    The loss of a step is taken before the step. So the last step may have thrown the weights so far
    off that they are finite, but what they give is not.
    """

    def __init__(self, few: Dataset) -> None:
        self.few = few

    def __call__(self, trainer: Trainer, epoch: Epoch) -> None:
        with ParallelModel(trainer.model, CrossEntropyLoss, workers=1) as model:
            loss = model.evaluate(self.few.images, self.few.labels).loss
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"the loss became {loss} with epoch {epoch.epoch}, at a learning rate of "
                f"{epoch.lr:g}: try a smaller learning rate or a warm-up"
            )


# Without shortcuts and with them, the networks of the degradation problem are trained alike.
_DEEP: dict[str, Any] = {
    **{"images": 2000, "validation": 500, "epochs": 10, "batch_size": 50},
    **{"optimizer": "momentum", "lr": 0.1, "schedule": "cosine"},
}
_STACK: dict[str, Any] = {"images": 12_000, "validation": 5000, "epochs": 12, "schedule": "cosine"}
_IDEA: dict[str, Any] = {
    **{"data": "fashion-mnist", "images": 3000, "validation": 500, "epochs": 6},
    **{"batch_size": 50, "lr": 0.01, "schedule": "cosine"},
}
_PLAIN = Recipe(validation=5000)
_BETTER = replace(_PLAIN, augment="affine", schedule="cosine")

#: The recipes of the zoo by name, and from how many seeds each was trained.
RECIPES: dict[str, tuple[Recipe, int]] = {
    "deep-convnet": (_PLAIN, 3),
    "deep-convnet-logit-dropout": (replace(_PLAIN, dropout_on_logits=True), 3),
    # Chapter 1, raising accuracy: augmentation and schedule, each alone and both together.
    "deep-convnet-affine": (replace(_PLAIN, augment="affine"), 2),
    "deep-convnet-cosine": (replace(_PLAIN, schedule="cosine"), 2),
    "deep-convnet-augmented": (_BETTER, 5),
    "small-convnet": (
        replace(_BETTER, model="small-convnet", schedule="warmup-cosine", lr=0.01, epochs=30),
        1,
    ),
    # Chapter 1, why depth: the same number of parameters in networks of several depths.
    **{
        name: (Recipe(name, **_STACK), 5)
        for name in (f"stack-{shape}" for shape in ("1x7", "1x5", "1x3", "2x3", "3x3", "4x3"))
    },
    # Chapter 2, the degradation problem: networks that differ in depth and in shortcuts; the
    # deepest plain one at a smaller learning rate too; and two with weights, for digits.
    **{
        name: (Recipe(name, data="fashion-mnist", **_DEEP), 3)
        for name in ("plain-20", "resnet-20", "plain-56", "resnet-56")
    },
    "plain-56-lr0.02": (Recipe("plain-56", data="fashion-mnist", **{**_DEEP, "lr": 0.02}), 2),
    **{f"mnist-{name}": (Recipe(name, **_DEEP), 1) for name in ("plain-20", "resnet-20")},
    # Chapter 2: four ideas in networks of one size.
    **{
        f"idea-{idea}": (Recipe(f"idea-{idea}", **_IDEA), 3)
        for idea in ("large-filters", "small-filters", "inception", "residual")
    },
}

#: Those whose weights ship; for the others the record is enough.
_SHIPPED = (
    *("deep-convnet", "deep-convnet-augmented", "small-convnet"),
    *("mnist-plain-20", "mnist-resnet-20"),
)

ENTRIES = [
    classifier(replace(recipe, seed=seed), f"{name}-seed{seed}", ships=name in _SHIPPED)
    for name, (recipe, seeds) in RECIPES.items()
    for seed in range(seeds)
]
