"""Recipes: everything that decides what a training run gives, and the run itself.

The command line's ``dlcourse train`` and the entries of the zoo are the same thing: a recipe,
run into a folder with the weights and a record of how they came about.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from dlcourse.data import Affine, Compose, Dataset, Elastic, load_fashion_mnist, load_mnist
from dlcourse.distributed import (
    Communicator,
    SingleProcess,
    SyncBatchNorm,
    broadcast_arrays,
    broadcast_json,
)
from dlcourse.expect import number, one_of, shortened
from dlcourse.files import check_writable, write_json
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
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.networks import MODELS

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
    """What decides the result of a run; workers are not in it, since they only change the time.

    Raises
    ------
    ValueError
        If a value is impossible; the message names the option of ``dlcourse train``: ``--lr``.
    """

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
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default)
            if type(value) is not kind and (type(value), kind) != (int, float):
                raise ValueError(
                    f"{_option(field.name)} must be of type {kind.__name__}, "
                    f"found {shortened(value)}"
                )
        one_of("model", self.model, MODELS)
        if self.data == "cifar-10":
            raise ValueError(
                f"--data must be one of {', '.join(DATASETS)}, found 'cifar-10': these networks "
                "take grey images of 28 x 28 pixels; ResNetCifar, in Python, takes those of CIFAR"
            )
        one_of("--data", self.data, DATASETS)
        one_of("--optimizer", self.optimizer, OPTIMIZERS)
        one_of("--schedule", self.schedule, SCHEDULES)
        one_of("--augment", self.augment, AUGMENTATIONS)
        if self.dropout_on_logits and self.model != "deep-convnet":
            raise ValueError(f"only deep-convnet has --dropout-on-logits, found {self.model!r}")
        for name in ("epochs", "batch_size", "lr"):
            number(_option(name), getattr(self, name), above=0)
        for name in ("images", "validation", "seed"):
            number(_option(name), getattr(self, name), least=0)

    @classmethod
    def read(cls, data: Mapping[str, Any], source: object) -> Self:
        """Return the recipe that a file or a record holds; what it leaves out has its default.

        Parameters
        ----------
        data : mapping
            The fields by name.
        source : object
            Where they came from, for the message of an error.

        Raises
        ------
        ValueError
            If a field is unknown, or its value is impossible.

        Examples
        --------
        >>> Recipe.read({"seed": 3}, "recipe.json").seed
        3
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(data, Mapping) or data.keys() - known:
            other = sorted(data.keys() - known)[0] if isinstance(data, Mapping) else data
            raise ValueError(
                f"{source}: expected the recipe of a classifier, found one with {shortened(other)}"
            )
        try:
            return cls(**data)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None

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
        if self.validation >= len(train):
            raise ValueError(
                f"--validation must leave some of the {len(train):,} training images of "
                f"{self.data}, found {self.validation}"
            )
        if self.validation:
            train, valid = train.split(self.validation, generator(self.seed, Stream.SPLIT))
        if self.images > len(train):
            raise ValueError(
                f"--images must be at most {len(train):,}, the training images of {self.data}"
                f"{' that are not held out' if valid else ''}, found {self.images}"
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
        The record: command, recipe, versions, hardware, ranks, time, history, test result.

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
    if communicator.rank == 0:
        check_writable(output / "record.json")
    # Everything that can be refused is refused before the folder is claimed.
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
        callbacks=[_StillFinite(train.subset(slice(25))), *([KeepBest(best)] if valid else [])],
        checkpoint=output / "checkpoint.npz",
        checkpoint_every=checkpoint_every,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        workers=workers,
        communicator=communicator,
        progress=progress,
    )
    with (
        claimed(output, asdict(recipe), asdict(Recipe()))
        if communicator.rank == 0
        else nullcontext()
    ):
        history = trainer.fit(train, valid, epochs=recipe.epochs)
        if valid:
            if communicator.rank == 0:
                load_weights(model, best)
            broadcast_arrays(model.state_dict().values(), communicator)
        with ParallelModel(model, CrossEntropyLoss, workers, communicator=communicator) as parallel:
            score = parallel.evaluate(test.images, test.labels)
        if not math.isfinite(score.loss):
            raise TrainingDiverged(
                f"the loss on the test images is {score.loss}: try a smaller learning rate"
            )
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


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
