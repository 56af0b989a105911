"""An explorer that trains a network in the page: choose how, start it, and watch."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dlcourse.data import Dataset
from dlcourse.explore.lib.network_data import describe
from dlcourse.explore.lib.widget import Explorer
from dlcourse.models import ResNetCifar, StackedConvNet
from dlcourse.nn import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential
from dlcourse.streams import Stream, generator

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class _Images:
    """Digits as bytes: 255 is white.

    Deflated they take a fifth, half a megabyte in base64, so nothing has to be rounded away, and
    every browser since 2023 can inflate. They are drawn when the page is built, from the data set
    that the package has anyway: a file of their own would hold the same bytes a second time.
    """

    side: int
    pixels: str  #: deflated (zlib), in base64
    labels: str  #: in base64


@dataclass(frozen=True)
class _Version:
    """A network of one depth.

    What keys a layer has depends on its kind, so a type could not say it. A test lets the engine
    build every description that is here.
    """

    depth: int
    description: str  #: see `describe`; JSON, deflated (a fifteenth), in base64


@dataclass(frozen=True)
class _Architecture:
    """A network by its name, in the depths that it has."""

    key: str
    name: str
    versions: list[_Version]


@dataclass(frozen=True)
class _Choices:
    """What the reader can choose from."""

    optimizer: list[str]
    lr: list[float]
    batch_size: list[int]
    spread: list[float]
    dropout: list[float]
    images: list[int]
    mistake: list[str]
    seed: list[int]


@dataclass(frozen=True)
class _Settings:
    """How to train."""

    network: str
    depth: int
    optimizer: str
    lr: float
    batch_size: int
    spread: float
    batch_norm: bool
    dropout: float
    images: int
    mistake: str
    seed: int


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    train: _Images
    held_out: _Images
    networks: list[_Architecture]
    choices: _Choices
    settings: _Settings


TRAINING, HELD_OUT = 2000, 500  #: digits that come with the page
DEPTHS = (8, 14, 20, 32, 56)  #: layers that plain and residual networks can have
_WIDTH = 4  # channels of the first stage: 56 layers of them still train while one watches
_CHOICES = _Choices(
    optimizer=["SGD", "Momentum", "Adam"],
    lr=[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    batch_size=[1, 4, 16, 32, 64, 128, 256],
    spread=[0, 0.01, 0.03, 0.1, 0.3, 1, 2, 3, 10],
    dropout=[0, 0.2, 0.5, 0.8],
    images=[50, 200, 500, 1000, TRAINING],
    mistake=[
        "none",
        "shuffled labels",
        "pixels 0 to 255",
        "no zero_grad()",
        "no eval()",
    ],
    seed=[*range(6)],
)


def _linear(depth: int, rng: np.random.Generator) -> Module:
    return Sequential(Flatten(), Linear(784, 10, rng=rng))


def _convolution(depth: int, rng: np.random.Generator) -> Module:
    convolution = Conv2d(1, 16, 5, rng=rng)
    linear = Linear(16 * 12 * 12, 10, rng=rng)
    return Sequential(convolution, BatchNorm2d(16), ReLU(), MaxPool2d(2), Flatten(), linear)


def _small(depth: int, rng: np.random.Generator) -> Module:
    return StackedConvNet([[8, 8], [16, 16], [16, 16]], batch_norm=True, rng=rng)


def _plain(depth: int, rng: np.random.Generator) -> Module:
    return ResNetCifar(depth, shortcut=False, in_channels=1, width=_WIDTH, rng=rng)


def _residual(depth: int, rng: np.random.Generator) -> Module:
    return ResNetCifar(depth, in_channels=1, width=_WIDTH, rng=rng)


#: Networks by key: their names, the depths that they have, and what builds them. All have batch
#: normalization and none has dropout; the page takes the one out and puts the other in.
_NETWORKS: dict[str, tuple[str, tuple[int, ...], Callable[[int, np.random.Generator], Module]]] = {
    "linear": ("linear", (1,), _linear),
    "convolution": ("one convolution", (2,), _convolution),
    "small": ("small network", (7,), _small),
    "plain": ("plain", DEPTHS, _plain),
    "residual": ("residual", DEPTHS, _residual),
}


def train_here(
    digits: Dataset,
    *,
    network: str = "small",
    depth: int = 20,
    optimizer: str = "Momentum",
    lr: float = 0.1,
    batch_size: int = 32,
    spread: float = 1,
    batch_norm: bool = True,
    dropout: float = 0,
    images: int = TRAINING,
    mistake: str = "none",
    seed: int = 0,
) -> Explorer:
    """Train a network in the page, on a choice of digits that comes with it.

    Everything can be chosen in the page; the arguments say what it starts from.

    Parameters
    ----------
    digits : Dataset
        Grey images of 28x28 pixels and ten classes. 2,000 are drawn to train on, the same each
        time, and 500 others to be held out: choices are made by them, so none may be of a test set.
    network : str
        "linear", "convolution" (one, before a linear layer), "small" (the network under 10,000
        parameters), "plain" or "residual".
    depth : int
        Layers of a plain or residual network: 8, 14, 20, 32 or 56.
    optimizer : str
        "SGD", "Momentum" or "Adam".
    lr : float
        The learning rate.
    batch_size : int
        Images per step.
    spread : float
        What the standard deviation of the initial weights, by He et al. 2015, is multiplied by.
    batch_norm : bool
        Whether normalization follows each convolution.
    dropout : float
        The share of values that is dropped before the last layer.
    images : int
        How many of the 2,000 digits to train on.
    mistake : str
        What is done wrong in the code: "none", "shuffled labels" (of the training digits), "pixels
        0 to 255" (in training, while held-out digits keep 0 to 1), "no zero_grad()", or "no
        eval()" (held-out digits are read one at a time, in training mode).
    seed : int
        Of the initial weights, the order of the images and dropout.

    Raises
    ------
    ValueError
        If the digits do not suit, or there is no such choice.

    Examples
    --------
    >>> from dlcourse.data import load_mnist
    >>> train, _ = load_mnist()
    >>> explorer = train_here(train, network="plain", depth=56)
    >>> explorer.data["settings"]["network"], explorer.data["settings"]["depth"]
    ('plain', 56)
    """
    settings = _Settings(
        network=_one_of("network", network, list(_NETWORKS)),
        depth=_one_of("depth", depth, DEPTHS),
        optimizer=_one_of("optimizer", optimizer, _CHOICES.optimizer),
        lr=_one_of("lr", lr, _CHOICES.lr),
        batch_size=_one_of("batch_size", batch_size, _CHOICES.batch_size),
        spread=_one_of("spread", spread, _CHOICES.spread),
        batch_norm=bool(batch_norm),
        dropout=_one_of("dropout", dropout, _CHOICES.dropout),
        images=_one_of("images", images, _CHOICES.images),
        mistake=_one_of("mistake", mistake, _CHOICES.mistake),
        seed=_one_of("seed", seed, _CHOICES.seed),
    )
    if len(digits) < TRAINING + HELD_OUT or digits.images.shape[1:] != (1, 28, 28):
        raise ValueError(
            f"expected at least {TRAINING + HELD_OUT} images of shape (1, 28, 28), "
            f"found {len(digits)} of shape {digits.images.shape[1:]}"
        )
    if len(digits.classes) != 10:
        raise ValueError(f"expected 10 classes, found {len(digits.classes)}")
    drawn = generator(0, Stream.SPLIT).permutation(len(digits))[: TRAINING + HELD_OUT]
    data = _Data(
        train=_packed(digits.subset(drawn[:TRAINING])),
        held_out=_packed(digits.subset(drawn[TRAINING:])),
        networks=_architectures(),
        choices=_CHOICES,
        settings=settings,
    )
    return Explorer("train_here", "Explorer: train it here", data)


def _one_of(name: str, value: _Value, choices: Sequence[_Value]) -> _Value:
    if value not in choices:
        shown = ", ".join(map(repr, choices))
        raise ValueError(f"expected {name} among {shown}, found {value!r}")
    return value


def _packed(data: Dataset) -> _Images:
    pixels = np.rint(255 * data.images).astype(np.uint8)
    return _Images(
        side=28,
        pixels=_deflated(pixels.tobytes()),
        labels=base64.b64encode(data.labels.astype(np.uint8).tobytes()).decode(),
    )


def _architectures() -> list[_Architecture]:
    rng = np.random.default_rng(0)  # the page draws the weights
    return [
        _Architecture(
            key=key,
            name=name,
            versions=[
                _Version(d, _deflated(json.dumps(describe(build(d, rng))).encode())) for d in depths
            ],
        )
        for key, (name, depths, build) in _NETWORKS.items()
    ]


def _deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()
