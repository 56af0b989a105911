"""What is compared on a GPU: how to build each part of the package, and the shape of its input."""

from __future__ import annotations

import inspect
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
Second = Callable[[int], np.ndarray]

_IMAGES = (4, 6, 11, 9)


class Case(NamedTuple):
    """How to build a module, and what to give it."""

    build: Build
    shape: Shape  #: of the first input
    second: Second | None = None  #: the second, given the number of images

    def inputs(self, x: Array) -> tuple[Array, ...]:
        """Return all inputs, given the first."""
        return (x,) if self.second is None else (x, array_module(x).asarray(self.second(len(x))))


def _case(
    kind: Callable[..., Module],
    *arguments: Any,
    shape: Shape = _IMAGES,
    second: Second | None = None,
    **options: Any,
) -> Case:
    """A module with these arguments, and a generator if it draws its weights."""
    draws = "rng" in inspect.signature(kind).parameters

    def build(rng: np.random.Generator) -> Module:
        return kind(*arguments, **options, **({"rng": rng} if draws else {}))

    return Case(build, shape, second)


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
    "AdaptiveAvgPool2d": _case(nn.AdaptiveAvgPool2d, (3, 2)),
    "AvgPool2d": _case(nn.AvgPool2d, 3, stride=2, padding=1),
    "BatchNorm2d": _case(nn.BatchNorm2d, 6),
    "Concat": Case(lambda rng: nn.Concat(nn.ReLU(), nn.Tanh()), _IMAGES),
    "Conv2d": _case(nn.Conv2d, 6, 8, 3, padding=1),
    "Conv2d 1x1": _case(nn.Conv2d, 6, 8, 1),
    "Conv2d of one channel": _case(nn.Conv2d, 1, 8, 3, padding=1, shape=(4, 1, 9, 8)),
    "Conv2d with few windows": _case(nn.Conv2d, 6, 40, 3, shape=(1, 6, 4, 4)),
    "Conv2d, stride and dilation": _case(
        nn.Conv2d, 6, 8, (3, 2), (2, 1), (2, 1), (2, 1), bias=False
    ),
    "Conv2d, groups": _case(nn.Conv2d, 6, 8, 3, padding=1, groups=2),
    "Conv2d, depthwise": _case(nn.Conv2d, 6, 6, 3, stride=2, padding=1, groups=6),
    "ConvTranspose2d of one place": _case(
        nn.ConvTranspose2d, 6, 5, 7, bias=False, shape=(4, 6, 1, 1)
    ),
    "ConvTranspose2d": _case(nn.ConvTranspose2d, 6, 5, 3, stride=2, padding=1),
    "Dropout": _case(nn.Dropout, 0.4),
    "Embedding": _case(nn.Embedding, 5, 3, shape=(7, 4)),
    "Flatten": _case(nn.Flatten),
    "GlobalAvgPool": _case(nn.GlobalAvgPool),
    "GroupNorm": _case(nn.GroupNorm, 2, 6),
    "LSTM": _case(nn.LSTM, 5, 6, shape=(4, 3, 5)),
    "LeakyReLU": _case(nn.LeakyReLU, 0.1),
    "Linear": _case(nn.Linear, 30, 20, shape=(8, 30)),
    "LocalResponseNorm": _case(nn.LocalResponseNorm, 5, alpha=0.1),
    "MaxPool2d": _case(nn.MaxPool2d, 2),
    "MaxPool2d, overlapping": _case(nn.MaxPool2d, 3, 2, padding=1, ceil_mode=True),
    "MaxUnpool2d": _case(nn.MaxUnpool2d, 2, second=_places),
    "RoIPool": _case(nn.RoIPool, (3, 2), second=_regions),
    "RNN": _case(nn.RNN, 5, 6, shape=(4, 3, 5)),
    "ReLU": _case(nn.ReLU),
    "ReLU6": _case(nn.ReLU6),
    "Residual": Case(lambda rng: nn.Residual(nn.Conv2d(6, 6, 3, padding=1, rng=rng)), _IMAGES),
    "Sequential": Case(
        lambda rng: nn.Sequential(
            nn.Conv2d(6, 8, 3, rng=rng), nn.ReLU(), nn.GlobalAvgPool(), nn.Linear(8, 4, rng=rng)
        ),
        _IMAGES,
    ),
    "Sigmoid": _case(nn.Sigmoid),
    "Tanh": _case(nn.Tanh),
}


#: Whole networks, and blocks of them, on small images.
MODELS: dict[str, Case] = {
    "AlexNet": _case(models.AlexNet, 10, shape=(2, 3, 63, 63)),
    "AlexNet2012": _case(models.AlexNet2012, 10, shape=(2, 3, 227, 227)),
    "BasicBlock": Case(
        lambda rng: models.BasicBlock(6, 8, 2, models.projection(6, 8, 2, rng=rng), rng=rng),
        _IMAGES,
    ),
    "BasicConv2d": _case(models.BasicConv2d, 6, 8, 3),
    "Bottleneck": _case(models.Bottleneck, 8, 2, shape=(4, 8, 6, 5)),
    "DCGAN": _case(models.DCGAN, 8, 4, shape=(3, 8, 1, 1)),
    "DCGANDiscriminator": _case(models.DCGANDiscriminator, 4, shape=(3, 1, 28, 28)),
    "DCGANGenerator": _case(models.DCGANGenerator, 8, 4, shape=(3, 8, 1, 1)),
    "DeepConvNet": _case(models.DeepConvNet, shape=(4, 1, 28, 28)),
    "DuelingHead": _case(models.DuelingHead, 7, 3, shape=(5, 7)),
    "EfficientNetLite0": _case(models.EfficientNetLite0, 10, shape=(4, 3, 64, 64)),
    "FCN": _case(models.FCN, 4, shape=(2, 3, 64, 32)),
    "FastRCNN": _case(models.FastRCNN, 5, shape=(3, 3, 64, 64), second=_regions),
    "GoogLeNet": _case(models.GoogLeNet, 10, aux_logits=False, shape=(4, 3, 64, 64)),
    "GoogLeNet2014": _case(models.GoogLeNet2014, 10, aux_logits=False, shape=(2, 3, 224, 224)),
    "Inception": _case(models.Inception, 6, 4, 3, 4, 2, 4, 3),
    "InceptionAux": Case(
        lambda rng: models.InceptionAux(8, 10, nn.AvgPool2d(5, 3), rng=rng),
        (2, 8, 14, 14),
    ),
    "InceptionConvNet": _case(models.InceptionConvNet, 16, [(32,), (64, 64)], shape=(4, 1, 28, 28)),
    "InvertedResidual": _case(models.InvertedResidual, 6, 6),
    "LeNet5": _case(models.LeNet5, shape=(4, 1, 28, 28)),
    "MLPQNetwork": _case(models.MLPQNetwork, 4, 2, (8,), shape=(5, 4)),
    "MinAtarQNetwork": _case(models.MinAtarQNetwork, 4, 3, dueling=True, shape=(5, 4, 10, 10)),
    "NIC": _case(models.NIC, 5, 32, shape=(2, 3, 32, 32), second=_words),
    "RCNN": _case(models.RCNN, 5, shape=(2, 3, 64, 64)),
    "RegionNet": _case(models.RegionNet, 5, shape=(2, 3, 64, 64)),
    "ResNet": _case(models.ResNet, models.BasicBlock, (1, 1, 1, 1), 10, shape=(4, 3, 64, 64)),
    "ResNetCifar": _case(models.ResNetCifar, 8, shape=(4, 3, 32, 32)),
    "SegNet": _case(models.SegNet, 4, ((6, 8), (8,)), shape=(2, 3, 12, 16)),
    "StackedConvNet": _case(
        models.StackedConvNet, [[8, 8], [16]], batch_norm=True, shape=(4, 1, 28, 28)
    ),
    "UNet": _case(models.UNet, (8, 16), time_features=8, shape=(3, 1, 8, 8), second=_times),
    "VAE": _case(models.VAE, 3, shape=(2, 1, 28, 28)),
    "VGG": _case(models.VGG, (1, 1, 1, 1, 1), True, 10, shape=(2, 3, 32, 32)),
    "ZeroPadShortcut": _case(models.ZeroPadShortcut, 2, stride=2),
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
