"""Recipes: all that decides what a training run gives, and the run itself.

The command line's ``dlcourse train`` and the entries of the zoo are the same thing: a recipe,
run into a folder with the weights and a record of how they came about.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlcourse.data import Affine, Compose, Dataset, Elastic, load_fashion_mnist, load_mnist
from dlcourse.distributed import (
    Communicator,
    SingleProcess,
    SyncBatchNorm,
    broadcast_arrays,
    broadcast_json,
)
from dlcourse.files import write_json
from dlcourse.models import Classifier, DeepConvNet, summary
from dlcourse.nn import CrossEntropyLoss
from dlcourse.nn.weights import load_weights, save_weights
from dlcourse.optim import (
    Adam,
    CosineAnnealingLR,
    LinearWarmup,
    Momentum,
    Optimizer,
    Schedule,
    StepLR,
)
from dlcourse.training import KeepBest, ParallelModel, Stream, Trainer, generator
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.models import MODELS

#: Sets of images by name, each a function that gives the training and the test set.
DATASETS: dict[str, Callable[[], tuple[Dataset, Dataset]]] = {
    "mnist": load_mnist,
    "fashion-mnist": load_fashion_mnist,
}

AUGMENTATIONS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "shift": lambda: Affine(max_pixels=2),
    "affine": lambda: Affine(max_degrees=10, max_pixels=2, max_factor=1.1),
    "elastic": lambda: Compose(
        Affine(max_degrees=10, max_pixels=2, max_factor=1.1), Elastic(alpha=34, sigma=4)
    ),
}

#: Optimizers by name, with their own defaults for all but the learning rate.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"adam": Adam, "momentum": Momentum}

SCHEDULES: dict[str, Callable[[Optimizer, int], Schedule | None]] = {
    "constant": lambda optimizer, epochs: None,
    "step": lambda optimizer, epochs: StepLR(optimizer, step_size=max(1, epochs // 3)),
    "cosine": lambda optimizer, epochs: CosineAnnealingLR(optimizer, T_max=epochs),
    "warmup-cosine": lambda optimizer, epochs: LinearWarmup(
        optimizer, warmup=1, after=CosineAnnealingLR(optimizer, T_max=max(1, epochs - 1))
    ),
}


@dataclass(frozen=True)
class Recipe:
    """What decides the result of a run; workers are not in it, for they change only the time."""

    model: str = "deep-convnet"
    data: str = "mnist"
    images: int = 0  #: how many training images to use; 0 is all that are not held out
    epochs: int = 20
    batch_size: int = 100
    optimizer: str = "adam"
    lr: float = 0.001
    schedule: str = "constant"
    augment: str = "none"
    dropout_on_logits: bool = False
    validation: int = 0  #: training images held out, to choose the best epoch by
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("model", MODELS),
            ("data", DATASETS),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("augment", AUGMENTATIONS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, found {getattr(self, name)!r}"
                )
        if self.dropout_on_logits and self.model != "deep-convnet":
            raise ValueError(f"only deep-convnet has dropout_on_logits, found {self.model!r}")
        for name in ("epochs", "batch_size", "lr"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, found {getattr(self, name)}")

    def build(self) -> Classifier:
        """Return the network with its initial weights."""
        rng = generator(self.seed, Stream.INIT)
        if self.dropout_on_logits:
            return DeepConvNet(dropout_on_logits=True, rng=rng)
        return MODELS[self.model](rng)

    def load_data(self) -> tuple[Dataset, Dataset | None, Dataset]:
        """Return what to train on, the held-out images if there are any, and the test set."""
        train, test = DATASETS[self.data]()
        valid: Dataset | None = None
        if self.validation:
            train, valid = train.split(self.validation, generator(self.seed, Stream.SPLIT))
        if self.images > len(train):
            raise ValueError(
                f"expected at most {len(train):,} training images in {self.data}, "
                f"found images={self.images}"
            )
        return (train.subset(slice(self.images)) if self.images else train), valid, test


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
    """Train by a recipe into a folder; a run that was interrupted goes on where it was.

    With several ranks all call it, and rank 0 alone reads and writes the folder.

    Parameters
    ----------
    recipe : Recipe
        What to train.
    output : pathlib.Path
        Folder that receives ``checkpoint.npz`` after every epoch, and at the end
        ``weights.npz`` (those of the best epoch on the held-out images, if there are any, or
        else of the last) and ``record.json``.
    command : str
        The command that asks for this run, for the record.
    workers : int, optional
        Threads; one a core when left out.
    checkpoint_every : int, optional
        Writes ``checkpoint.npz`` after every so many steps of an epoch as well.
    communicator : Communicator, optional
        The connection to other ranks that train by the same recipe.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    dict
        The record: command, recipe, versions, hardware, ranks, time, history, test result.

    Raises
    ------
    ValueError
        If the folder holds a run of another recipe.
    """
    communicator = communicator or SingleProcess()
    if communicator.rank == 0:
        _claim(output, recipe)
    train, valid, test = recipe.load_data()
    model = recipe.build()
    if communicator.size > 1:
        SyncBatchNorm.convert(model, communicator)
    best = output / "best.npz"
    optimizer = OPTIMIZERS[recipe.optimizer](model.parameters(), lr=recipe.lr)
    trainer = Trainer(
        model,
        optimizer,
        schedule=SCHEDULES[recipe.schedule](optimizer, recipe.epochs),
        augment=AUGMENTATIONS[recipe.augment](),
        callbacks=[KeepBest(best)] if valid else [],
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
    with ParallelModel(model, CrossEntropyLoss, workers, communicator=communicator) as parallel:
        score = parallel.evaluate(test.images, test.labels)
    checksum = None
    if communicator.rank == 0:
        save_weights(model, output / "weights.npz")
        checksum = hashlib.sha256((output / "weights.npz").read_bytes()).hexdigest()
    report = summary(model, train.images.shape[1:])
    record = {
        "command": command,
        "recipe": asdict(recipe),
        "versions": versions(),
        "hardware": hardware(),
        "ranks": communicator.size,
        "seconds": round(sum(epoch.seconds for epoch in history.epochs), 1),
        "parameters": report.parameters,
        "multiply_adds": report.multiply_adds,
        "epochs": history.to_dict()["epochs"],
        "test": {
            "images": score.count,
            "errors": score.count - score.correct,
            "accuracy": score.accuracy,
            "loss": score.loss,
        },
        "weights_sha256": broadcast_json(checksum, communicator),
    }
    if communicator.rank == 0:
        write_json(output / "record.json", record)
    return record


def _claim(output: Path, recipe: Recipe) -> None:
    """Note the recipe in the folder, or check that it is the one already there."""
    path = output / "recipe.json"
    if not path.exists():
        write_json(path, asdict(recipe))
        return
    # A run of an older version does not know newer options: it had their defaults.
    there = {**asdict(Recipe()), **json.loads(path.read_text())}
    here = asdict(recipe)
    other = {k: v for k, v in here.items() if there.get(k) != v}
    if other:
        name, value = next(iter(other.items()))
        raise ValueError(
            f"{output} holds a run with {name} {there.get(name)!r}, expected {value!r}; "
            "choose another output folder, or repeat the command with the same options to resume"
        )
