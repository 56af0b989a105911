"""Training classifiers by recipes, and the recipes of those in the zoo.

The command line's ``dlcourse train`` and the entries of the zoo are the same thing: a recipe,
run into a folder with the weights and a record of how they came about.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from dlcourse.data import Dataset
from dlcourse.distributed import (
    Communicator,
    SingleProcess,
    SyncBatchNorm,
    broadcast_arrays,
    broadcast_json,
)
from dlcourse.files import check_writable
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
from dlcourse.zoo.claim import claimed
from dlcourse.zoo.entry import assembled
from dlcourse.zoo.networks import build
from dlcourse.zoo.recipe import AUGMENTATIONS, DATASETS, OPTIMIZERS, SCHEDULES, Recipe
from dlcourse.zoo.training import Entry, Trained, write_entry


def run(
    recipe: Recipe,
    output: Path,
    *,
    command: str,
    workers: int | None = None,
    checkpoint_every: int | None = None,
    communicator: Communicator | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train by a recipe into a folder; an interrupted run goes on where it was.

    With several ranks all call it, and rank 0 alone reads and writes the folder.

    Parameters
    ----------
    recipe : Recipe
        What to train.
    output : pathlib.Path
        Folder that receives ``checkpoint.npz`` after every epoch, and at the end
        ``weights.npz`` (those of the best epoch on the held-out images, if there are any, or
        otherwise of the last) and ``record.json``.
    command : str
        The command that started this run, for the record.
    workers : int, optional
        Threads; one per core when left out.
    checkpoint_every : int, optional
        Steps within an epoch after which ``checkpoint.npz`` is written as well.
    communicator : Communicator, optional
        The connection to other ranks that train by the same recipe.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    dict
        The record; see `dlcourse.zoo.entry`.

    Raises
    ------
    ValueError
        If the folder holds a run of another recipe, or another process is training in it.
    OSError
        If the folder cannot be written to.
    TrainingDiverged
        If the loss becomes infinite or not a number. The folder keeps the last good checkpoint.
    """
    communicator = communicator or SingleProcess()
    first = communicator.rank == 0
    if first:
        check_writable(output / "record.json")
    # Everything that can be refused is refused before the folder is claimed.
    train, valid, _ = recipe.load_data()
    measure = partial(
        evaluate_classifier, data=recipe.data, workers=workers, communicator=communicator
    )
    with claimed(output, asdict(recipe), asdict(Recipe())) if first else nullcontext():
        trained = _trained(
            recipe,
            output,
            train,
            valid,
            workers=workers,
            checkpoint_every=checkpoint_every,
            communicator=communicator,
            progress=progress,
        )
        record = None
        if first:
            record = write_entry(
                output, trained, measure, entry=None, command=command, seed=recipe.seed
            )
        else:  # takes its share
            measure(assembled(recipe.network, trained.arrays, output))
        shared: dict[str, Any] = broadcast_json(record, communicator)
        return shared


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


def classifier(name: str, recipe: Recipe, workers: int | None = None, *, ships: bool) -> Entry:
    """Return the entry of a classifier.

    Parameters
    ----------
    name : str
        Its name.
    recipe : Recipe
        What decides its weights, the seed included.
    workers : int, optional
        Threads; one per core when left out.
    ships : bool
        Whether its weights ship.
    """

    def train(folder: Path, *, seed: int, progress: bool) -> Trained:
        own = replace(recipe, seed=seed)
        train, valid, _ = own.load_data()
        return _trained(own, folder, train, valid, workers=workers, progress=progress)

    measure = partial(evaluate_classifier, data=recipe.data)
    return Entry(name, train, measure, recipe.seed, ships)


def _trained(
    recipe: Recipe,
    output: Path,
    train: Dataset,
    valid: Dataset | None,
    *,
    workers: int | None,
    checkpoint_every: int | None = None,
    communicator: Communicator | None = None,
    progress: bool,
) -> Trained:
    communicator = communicator or SingleProcess()
    model = build(recipe.network, generator(recipe.seed, Stream.INIT))
    if communicator.size > 1:
        SyncBatchNorm.convert(model, communicator)
    best = output / "best.npz"
    optimizer = OPTIMIZERS[recipe.optimizer](model.parameters(), lr=recipe.lr)
    trainer = Trainer(
        model,
        optimizer,
        schedule=SCHEDULES[recipe.schedule](optimizer, recipe.epochs),
        augment=AUGMENTATIONS[recipe.augment](),
        callbacks=[_StillFinite(train.subset(slice(25))), *([KeepBest(best)] if valid else [])],
        checkpoint=output / "checkpoint.npz",
        checkpoint_every=checkpoint_every,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        workers=workers,
        communicator=communicator,
        progress=progress,
    )
    history = trainer.fit(train, valid, epochs=recipe.epochs)
    if valid:
        if communicator.rank == 0:
            load_weights(model, best)
        broadcast_arrays(model.state_dict().values(), communicator)
    return Trained(
        arrays=model.state_dict(),
        recipe=asdict(recipe),
        training={
            "ranks": communicator.size,
            "workers": workers,
            "epochs": history.to_dict()["epochs"],
        },
        seconds=round(sum(epoch.seconds for epoch in history.epochs), 1),
        network=recipe.network,
        input=train.images.shape[1:],
        dtype=train.images.dtype,
    )


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


def _seeds(
    name: str, recipe: Recipe, count: int, *, ships: bool = False, workers: int | None = None
) -> list[Entry]:
    return [
        classifier(f"{name}-seed{seed}", replace(recipe, seed=seed), workers, ships=ships)
        for seed in range(count)
    ]


_PLAIN = Recipe(validation=5000)
_SMALL = Recipe(
    model="small-convnet",
    epochs=30,
    lr=0.01,
    schedule="warmup-cosine",
    augment="affine",
    validation=5000,
)
_STACK = Recipe(validation=5000, images=12_000, epochs=12, schedule="cosine")
_DEEP = Recipe(
    data="fashion-mnist",
    images=2000,
    epochs=10,
    batch_size=50,
    optimizer="momentum",
    lr=0.1,
    schedule="cosine",
    validation=500,
)
_IDEA = Recipe(
    data="fashion-mnist",
    images=3000,
    epochs=6,
    batch_size=50,
    lr=0.01,
    schedule="cosine",
    validation=500,
)

ENTRIES = [
    *_seeds("deep-convnet", _PLAIN, 3, ships=True),
    *_seeds("deep-convnet-logit-dropout", replace(_PLAIN, dropout_on_logits=True), 3),
    # Chapter 1, raising accuracy: augmentation and schedule, each alone and both together.
    *_seeds("deep-convnet-affine", replace(_PLAIN, augment="affine"), 2),
    *_seeds("deep-convnet-cosine", replace(_PLAIN, schedule="cosine"), 2),
    *_seeds(
        "deep-convnet-augmented",
        replace(_PLAIN, augment="affine", schedule="cosine"),
        5,
        ships=True,
    ),
    *_seeds("small-convnet", _SMALL, 1, ships=True),
    # Chapter 1, why depth: the same number of parameters in networks of several depths.
    *(
        entry
        for shape in ("1x7", "1x5", "1x3", "2x3", "3x3", "4x3")
        for entry in _seeds(f"stack-{shape}", replace(_STACK, model=f"stack-{shape}"), 5)
    ),
    # Chapter 2, the degradation problem: networks that differ in depth and in shortcuts; the
    # deepest plain one at a smaller learning rate too; and two with weights, for digits. They were
    # trained on one thread, beside other work.
    *(
        entry
        for name in ("plain-20", "resnet-20", "plain-56", "resnet-56")
        for entry in _seeds(name, replace(_DEEP, model=name), 3, workers=1)
    ),
    *_seeds("plain-56-lr0.02", replace(_DEEP, model="plain-56", lr=0.02), 2, workers=1),
    *(
        entry
        for name in ("plain-20", "resnet-20")
        for entry in _seeds(
            f"mnist-{name}", replace(_DEEP, model=name, data="mnist"), 1, ships=True, workers=1
        )
    ),
    # Chapter 2: four ideas in networks of one size.
    *(
        entry
        for name in ("large-filters", "small-filters", "inception", "residual")
        for entry in _seeds(f"idea-{name}", replace(_IDEA, model=f"idea-{name}"), 3, workers=1)
    ),
]
