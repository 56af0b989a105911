"""Recipes of classifiers: everything that decides what a training run gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from dlcourse.data import Affine, Compose, Dataset, Elastic, load_fashion_mnist, load_mnist
from dlcourse.expect import number, one_of, shortened
from dlcourse.optim import (
    Adam,
    CosineAnnealingLR,
    LinearWarmup,
    Momentum,
    Optimizer,
    Schedule,
    StepLR,
)
from dlcourse.training import Stream, generator
from dlcourse.zoo.networks import MODELS, Network

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

    @property
    def network(self) -> Network:
        """The network, as data; see `dlcourse.zoo.networks`."""
        more = {"dropout_on_logits": True} if self.dropout_on_logits else {}
        return {**MODELS[self.model], **more}

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


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
