"""What is compared on a GPU: how to build each part of the package, and the shape of its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlcourse import models, nn, optim
from dlcourse.applications import style
from dlcourse.applications.generation.vae import VAELoss
from dlcourse.backend import Array, array_module
from dlcourse.nn import Module
from dlcourse.optim import Optimizer

Build = Callable[[np.random.Generator], Module]
Shape = tuple[int, ...]

_IMAGES = (4, 6, 11, 9)


class Case(NamedTuple):
    """How to build a module, and what to give it."""

    build: Build
    shape: Shape  #: of the first input
    second: Callable[[int], np.ndarray] | None = None  #: the second, given the number of images

    def inputs(self, x: Array) -> tuple[Array, ...]:
        """Return all inputs, given the first."""
        return (x,) if self.second is None else (x, array_module(x).asarray(self.second(len(x))))


def _words(images: int) -> np.ndarray:
    return np.arange(3 * images).reshape(3, images) % 5


def _times(images: int) -> np.ndarray:
    return np.arange(1, images + 1)


def _regions(images: int) -> np.ndarray:
    corners = np.array([[0, 0, 5, 7], [2, 1, 8, 4], [6, 3, 40, 40]], np.float32)
    numbers = np.arange(3, dtype=np.float32)[:, None] % max(images, 1)
    return np.concatenate([numbers, corners], axis=1)[: 3 * images]


def _places(images: int) -> np.ndarray:
    """An index into 22 x 18 for each value of `_IMAGES`: one of the four in its window."""
    rows, columns = np.indices(_IMAGES[2:])
    four = np.arange(images * _IMAGES[1]).reshape(images, _IMAGES[1], 1, 1) % 4
    places: np.ndarray = (2 * rows + four // 2) * 18 + 2 * columns + four % 2
    return places


LAYERS: dict[str, Case] = {
    "AdaptiveAvgPool2d": Case(lambda rng: nn.AdaptiveAvgPool2d((3, 2)), _IMAGES),
    "AvgPool2d": Case(lambda rng: nn.AvgPool2d(3, stride=2, padding=1), _IMAGES),
    "BatchNorm2d": Case(lambda rng: nn.BatchNorm2d(6), _IMAGES),
    "Concat": Case(lambda rng: nn.Concat(nn.ReLU(), nn.Tanh()), _IMAGES),
    "Conv2d": Case(lambda rng: nn.Conv2d(6, 8, 3, padding=1, rng=rng), _IMAGES),
    "Conv2d 1x1": Case(lambda rng: nn.Conv2d(6, 8, 1, rng=rng), _IMAGES),
    "Conv2d of one channel": Case(lambda rng: nn.Conv2d(1, 8, 3, padding=1, rng=rng), (4, 1, 9, 8)),
    "Conv2d with few windows": Case(lambda rng: nn.Conv2d(6, 40, 3, rng=rng), (1, 6, 4, 4)),
    "Conv2d, stride and dilation": Case(
        lambda rng: nn.Conv2d(6, 8, (3, 2), (2, 1), (2, 1), (2, 1), bias=False, rng=rng),
        _IMAGES,
    ),
    "Conv2d, groups": Case(lambda rng: nn.Conv2d(6, 8, 3, padding=1, groups=2, rng=rng), _IMAGES),
    "Conv2d, depthwise": Case(
        lambda rng: nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, rng=rng),
        _IMAGES,
    ),
    "ConvTranspose2d of one place": Case(
        lambda rng: nn.ConvTranspose2d(6, 5, 7, bias=False, rng=rng),
        (4, 6, 1, 1),
    ),
    "ConvTranspose2d": Case(
        lambda rng: nn.ConvTranspose2d(6, 5, 3, stride=2, padding=1, rng=rng),
        _IMAGES,
    ),
    "Dropout": Case(lambda rng: nn.Dropout(0.4), _IMAGES),
    "Embedding": Case(lambda rng: nn.Embedding(5, 3, rng=rng), (7, 4)),
    "Flatten": Case(lambda rng: nn.Flatten(), _IMAGES),
    "GlobalAvgPool": Case(lambda rng: nn.GlobalAvgPool(), _IMAGES),
    "GroupNorm": Case(lambda rng: nn.GroupNorm(2, 6), _IMAGES),
    "LSTM": Case(lambda rng: nn.LSTM(5, 6, rng=rng), (4, 3, 5)),
    "LeakyReLU": Case(lambda rng: nn.LeakyReLU(0.1), _IMAGES),
    "Linear": Case(lambda rng: nn.Linear(30, 20, rng=rng), (8, 30)),
    "LocalResponseNorm": Case(lambda rng: nn.LocalResponseNorm(5, alpha=0.1), _IMAGES),
    "MaxPool2d": Case(lambda rng: nn.MaxPool2d(2), _IMAGES),
    "MaxPool2d, overlapping": Case(
        lambda rng: nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        _IMAGES,
    ),
    "MaxUnpool2d": Case(lambda rng: nn.MaxUnpool2d(2), _IMAGES, _places),
    "RoIPool": Case(lambda rng: nn.RoIPool((3, 2)), _IMAGES, _regions),
    "RNN": Case(lambda rng: nn.RNN(5, 6, rng=rng), (4, 3, 5)),
    "ReLU": Case(lambda rng: nn.ReLU(), _IMAGES),
    "ReLU6": Case(lambda rng: nn.ReLU6(), _IMAGES),
    "Residual": Case(lambda rng: nn.Residual(nn.Conv2d(6, 6, 3, padding=1, rng=rng)), _IMAGES),
    "Sequential": Case(
        lambda rng: nn.Sequential(
            nn.Conv2d(6, 8, 3, rng=rng), nn.ReLU(), nn.GlobalAvgPool(), nn.Linear(8, 4, rng=rng)
        ),
        _IMAGES,
    ),
    "Sigmoid": Case(lambda rng: nn.Sigmoid(), _IMAGES),
    "Tanh": Case(lambda rng: nn.Tanh(), _IMAGES),
}


#: Whole networks, and blocks of them, on small images.
MODELS: dict[str, Case] = {
    "AlexNet": Case(lambda rng: models.AlexNet(10, rng=rng), (2, 3, 63, 63)),
    "AlexNet2012": Case(lambda rng: models.AlexNet2012(10, rng=rng), (2, 3, 227, 227)),
    "BasicBlock": Case(
        lambda rng: models.BasicBlock(6, 8, 2, models.projection(6, 8, 2, rng=rng), rng=rng),
        _IMAGES,
    ),
    "BasicConv2d": Case(lambda rng: models.BasicConv2d(6, 8, 3, rng=rng), _IMAGES),
    "Bottleneck": Case(lambda rng: models.Bottleneck(8, 2, rng=rng), (4, 8, 6, 5)),
    "DCGAN": Case(lambda rng: models.DCGAN(8, 4, rng=rng), (3, 8, 1, 1)),
    "DCGANDiscriminator": Case(lambda rng: models.DCGANDiscriminator(4, rng=rng), (3, 1, 28, 28)),
    "DCGANGenerator": Case(lambda rng: models.DCGANGenerator(8, 4, rng=rng), (3, 8, 1, 1)),
    "DeepConvNet": Case(lambda rng: models.DeepConvNet(rng=rng), (4, 1, 28, 28)),
    "DuelingHead": Case(lambda rng: models.DuelingHead(7, 3, rng=rng), (5, 7)),
    "EfficientNetLite0": Case(lambda rng: models.EfficientNetLite0(10, rng=rng), (4, 3, 64, 64)),
    "FCN": Case(lambda rng: models.FCN(4, rng=rng), (2, 3, 64, 32)),
    "FastRCNN": Case(lambda rng: models.FastRCNN(5, rng=rng), (3, 3, 64, 64), _regions),
    "GoogLeNet": Case(lambda rng: models.GoogLeNet(10, aux_logits=False, rng=rng), (4, 3, 64, 64)),
    "GoogLeNet2014": Case(
        lambda rng: models.GoogLeNet2014(10, aux_logits=False, rng=rng),
        (2, 3, 224, 224),
    ),
    "Inception": Case(lambda rng: models.Inception(6, 4, 3, 4, 2, 4, 3, rng=rng), _IMAGES),
    "InceptionAux": Case(
        lambda rng: models.InceptionAux(8, 10, nn.AvgPool2d(5, 3), rng=rng),
        (2, 8, 14, 14),
    ),
    "InceptionConvNet": Case(
        lambda rng: models.InceptionConvNet(16, [(32,), (64, 64)], rng=rng),
        (4, 1, 28, 28),
    ),
    "InvertedResidual": Case(lambda rng: models.InvertedResidual(6, 6, rng=rng), _IMAGES),
    "LeNet5": Case(lambda rng: models.LeNet5(rng=rng), (4, 1, 28, 28)),
    "MLPQNetwork": Case(lambda rng: models.MLPQNetwork(4, 2, (8,), rng=rng), (5, 4)),
    "MinAtarQNetwork": Case(
        lambda rng: models.MinAtarQNetwork(4, 3, dueling=True, rng=rng),
        (5, 4, 10, 10),
    ),
    "NIC": Case(lambda rng: models.NIC(5, 32, rng=rng), (2, 3, 32, 32), _words),
    "RCNN": Case(lambda rng: models.RCNN(5, rng=rng), (2, 3, 64, 64)),
    "RegionNet": Case(lambda rng: models.RegionNet(5, rng=rng), (2, 3, 64, 64)),
    "ResNet": Case(
        lambda rng: models.ResNet(models.BasicBlock, (1, 1, 1, 1), 10, rng=rng),
        (4, 3, 64, 64),
    ),
    "ResNetCifar": Case(lambda rng: models.ResNetCifar(8, rng=rng), (4, 3, 32, 32)),
    "SegNet": Case(lambda rng: models.SegNet(4, ((6, 8), (8,)), rng=rng), (2, 3, 12, 16)),
    "StackedConvNet": Case(
        lambda rng: models.StackedConvNet([[8, 8], [16]], batch_norm=True, rng=rng),
        (4, 1, 28, 28),
    ),
    "UNet": Case(
        lambda rng: models.UNet((8, 16), time_features=8, rng=rng),
        (3, 1, 8, 8),
        _times,
    ),
    "VAE": Case(lambda rng: models.VAE(3, rng=rng), (2, 1, 28, 28)),
    "VGG": Case(lambda rng: models.VGG((1, 1, 1, 1, 1), True, 10, rng=rng), (2, 3, 32, 32)),
    "ZeroPadShortcut": Case(lambda rng: models.ZeroPadShortcut(2, stride=2), _IMAGES),
}


def _scores(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((8, 5), dtype=np.float32)


def _features(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((1, 5, 6, 4), dtype=np.float32)


#: How to make each loss, and the outputs and targets to call it with.
LOSSES: dict[str, tuple[Callable[[], Any], Callable[[np.random.Generator], tuple[Any, ...]]]] = {
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, lambda rng: (_scores(rng), rng.random((8, 5)))),
    "ContentLoss": (style.ContentLoss, lambda rng: (_features(rng), _features(rng))),
    "CrossEntropyLoss": (
        lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
        lambda rng: (_scores(rng), rng.integers(5, size=8)),
    ),
    "GoogLeNetLoss": (
        models.GoogLeNetLoss,
        lambda rng: (
            models.GoogLeNetOutputs(*(_scores(rng) for _ in range(3))),
            rng.integers(5, size=8),
        ),
    ),
    "MSELoss": (nn.MSELoss, lambda rng: (_scores(rng), rng.standard_normal((8, 5)))),
    "SmoothL1Loss": (nn.SmoothL1Loss, lambda rng: (_scores(rng), rng.standard_normal((8, 5)))),
    "StyleLoss": (
        style.StyleLoss,
        lambda rng: (_features(rng), style.gram_matrix(_features(rng))),
    ),
    "TotalVariation": (style.TotalVariation, lambda rng: (_features(rng),)),
    "VAELoss": (
        VAELoss,
        lambda rng: (
            models.VAEOutputs(_scores(rng), _scores(rng), _scores(rng)),
            rng.random((8, 5)),
        ),
    ),
}

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "Adagrad": lambda ps: optim.Adagrad(ps, weight_decay=0.01),
    "Adam": lambda ps: optim.Adam(ps, weight_decay=0.01),
    "AdamW": optim.AdamW,
    "Momentum": optim.Momentum,
    "Nesterov": optim.Nesterov,
    "RMSprop": optim.RMSprop,
    "SGD": lambda ps: optim.SGD(ps, weight_decay=0.01),
    "WeightAverage": lambda ps: optim.WeightAverage(optim.Adam(ps)),
}
