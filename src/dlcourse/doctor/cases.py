"""What is compared on a GPU: how to build each part of the package, and the shape of its input."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dlcourse import models, nn, optim
from dlcourse.backend import Array, array_module
from dlcourse.nn import Module
from dlcourse.nn.loss import Loss
from dlcourse.optim import Optimizer

Build = Callable[[np.random.Generator], Module]
Shape = tuple[int, ...]

_IMAGES = (4, 6, 11, 9)


class _OneInOneOut(Module):
    """A module that may take a second input, given here; several outputs are joined."""

    def __init__(self, module: Module, second: Callable[[int], np.ndarray] | None = None) -> None:
        super().__init__()
        self.module = module
        self.second = second  #: given the number of images

    def forward(self, x: Array) -> Array:
        xp = array_module(x)
        inputs = (x,) if self.second is None else (x, xp.asarray(self.second(len(x))))
        self._y = self.module(*inputs)
        if not isinstance(self._y, tuple):
            return self._y
        rows = [part.reshape(len(part), math.prod(part.shape[1:])) for part in self._y]
        return xp.concatenate(rows, axis=1)

    def backward(self, dy: Array) -> Array:
        if not isinstance(self._y, tuple):
            return self.module.backward(dy)
        parts, start = [], 0
        for part in self._y:
            width = math.prod(part.shape[1:])
            parts.append(dy[:, start : start + width].reshape(part.shape))
            start += width
        return self.module.backward(type(self._y)(*parts))


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


LAYERS: dict[str, tuple[Build, Shape]] = {
    "AdaptiveAvgPool2d": (lambda rng: nn.AdaptiveAvgPool2d((3, 2)), _IMAGES),
    "AvgPool2d": (lambda rng: nn.AvgPool2d(3, stride=2, padding=1), _IMAGES),
    "BatchNorm2d": (lambda rng: nn.BatchNorm2d(6), _IMAGES),
    "Concat": (lambda rng: nn.Concat(nn.ReLU(), nn.Tanh()), _IMAGES),
    "Conv2d": (lambda rng: nn.Conv2d(6, 8, 3, padding=1, rng=rng), _IMAGES),
    "Conv2d 1x1": (lambda rng: nn.Conv2d(6, 8, 1, rng=rng), _IMAGES),
    "Conv2d of one channel": (lambda rng: nn.Conv2d(1, 8, 3, padding=1, rng=rng), (4, 1, 9, 8)),
    "Conv2d with few windows": (lambda rng: nn.Conv2d(6, 40, 3, rng=rng), (1, 6, 4, 4)),
    "Conv2d, stride and dilation": (
        lambda rng: nn.Conv2d(6, 8, (3, 2), (2, 1), (2, 1), (2, 1), bias=False, rng=rng),
        _IMAGES,
    ),
    "Conv2d, groups": (lambda rng: nn.Conv2d(6, 8, 3, padding=1, groups=2, rng=rng), _IMAGES),
    "Conv2d, depthwise": (
        lambda rng: nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, rng=rng),
        _IMAGES,
    ),
    "ConvTranspose2d of one place": (
        lambda rng: nn.ConvTranspose2d(6, 5, 7, bias=False, rng=rng),
        (4, 6, 1, 1),
    ),
    "ConvTranspose2d": (
        lambda rng: nn.ConvTranspose2d(6, 5, 3, stride=2, padding=1, rng=rng),
        _IMAGES,
    ),
    "Dropout": (lambda rng: nn.Dropout(0.4), _IMAGES),
    "Embedding": (lambda rng: nn.Embedding(5, 3, rng=rng), (7, 4)),
    "Flatten": (lambda rng: nn.Flatten(), _IMAGES),
    "GlobalAvgPool": (lambda rng: nn.GlobalAvgPool(), _IMAGES),
    "GroupNorm": (lambda rng: nn.GroupNorm(2, 6), _IMAGES),
    "LSTM": (lambda rng: nn.LSTM(5, 6, rng=rng), (4, 3, 5)),
    "LeakyReLU": (lambda rng: nn.LeakyReLU(0.1), _IMAGES),
    "Linear": (lambda rng: nn.Linear(30, 20, rng=rng), (8, 30)),
    "LocalResponseNorm": (lambda rng: nn.LocalResponseNorm(5, alpha=0.1), _IMAGES),
    "MaxPool2d": (lambda rng: nn.MaxPool2d(2), _IMAGES),
    "MaxPool2d, overlapping": (
        lambda rng: nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        _IMAGES,
    ),
    "MaxUnpool2d": (lambda rng: _OneInOneOut(nn.MaxUnpool2d(2), _places), _IMAGES),
    "RoIPool": (lambda rng: _OneInOneOut(nn.RoIPool((3, 2)), _regions), _IMAGES),
    "RNN": (lambda rng: nn.RNN(5, 6, rng=rng), (4, 3, 5)),
    "ReLU": (lambda rng: nn.ReLU(), _IMAGES),
    "ReLU6": (lambda rng: nn.ReLU6(), _IMAGES),
    "Residual": (lambda rng: nn.Residual(nn.Conv2d(6, 6, 3, padding=1, rng=rng)), _IMAGES),
    "Sequential": (
        lambda rng: nn.Sequential(
            nn.Conv2d(6, 8, 3, rng=rng), nn.ReLU(), nn.GlobalAvgPool(), nn.Linear(8, 4, rng=rng)
        ),
        _IMAGES,
    ),
    "Sigmoid": (lambda rng: nn.Sigmoid(), _IMAGES),
    "Tanh": (lambda rng: nn.Tanh(), _IMAGES),
}


#: Whole networks, and blocks of them, on small images.
MODELS: dict[str, tuple[Build, Shape]] = {
    "AlexNet": (lambda rng: models.AlexNet(10, rng=rng), (2, 3, 63, 63)),
    "AlexNet2012": (lambda rng: models.AlexNet2012(10, rng=rng), (2, 3, 227, 227)),
    "BasicBlock": (
        lambda rng: models.BasicBlock(6, 8, 2, models.projection(6, 8, 2, rng=rng), rng=rng),
        _IMAGES,
    ),
    "BasicConv2d": (lambda rng: models.BasicConv2d(6, 8, 3, rng=rng), _IMAGES),
    "Bottleneck": (lambda rng: models.Bottleneck(8, 2, rng=rng), (4, 8, 6, 5)),
    "DCGAN": (lambda rng: models.DCGAN(8, 4, rng=rng), (3, 8, 1, 1)),
    "DCGANDiscriminator": (lambda rng: models.DCGANDiscriminator(4, rng=rng), (3, 1, 28, 28)),
    "DCGANGenerator": (lambda rng: models.DCGANGenerator(8, 4, rng=rng), (3, 8, 1, 1)),
    "DeepConvNet": (lambda rng: models.DeepConvNet(rng=rng), (4, 1, 28, 28)),
    "DuelingHead": (lambda rng: models.DuelingHead(7, 3, rng=rng), (5, 7)),
    "EfficientNetLite0": (lambda rng: models.EfficientNetLite0(10, rng=rng), (4, 3, 64, 64)),
    "FCN": (lambda rng: models.FCN(4, rng=rng), (2, 3, 64, 32)),
    "FastRCNN": (lambda rng: _OneInOneOut(models.FastRCNN(5, rng=rng), _regions), (3, 3, 64, 64)),
    "GoogLeNet": (lambda rng: models.GoogLeNet(10, aux_logits=False, rng=rng), (4, 3, 64, 64)),
    "GoogLeNet2014": (
        lambda rng: models.GoogLeNet2014(10, aux_logits=False, rng=rng),
        (2, 3, 224, 224),
    ),
    "Inception": (lambda rng: models.Inception(6, 4, 3, 4, 2, 4, 3, rng=rng), _IMAGES),
    "InceptionAux": (
        lambda rng: models.InceptionAux(8, 10, nn.AvgPool2d(5, 3), rng=rng),
        (2, 8, 14, 14),
    ),
    "InceptionConvNet": (
        lambda rng: models.InceptionConvNet(16, [(32,), (64, 64)], rng=rng),
        (4, 1, 28, 28),
    ),
    "InvertedResidual": (lambda rng: models.InvertedResidual(6, 6, rng=rng), _IMAGES),
    "LeNet5": (lambda rng: models.LeNet5(rng=rng), (4, 1, 28, 28)),
    "MLPQNetwork": (lambda rng: models.MLPQNetwork(4, 2, (8,), rng=rng), (5, 4)),
    "MinAtarQNetwork": (
        lambda rng: models.MinAtarQNetwork(4, 3, dueling=True, rng=rng),
        (5, 4, 10, 10),
    ),
    "NIC": (lambda rng: _OneInOneOut(models.NIC(5, 32, rng=rng), _words), (2, 3, 32, 32)),
    "RCNN": (lambda rng: models.RCNN(5, rng=rng), (2, 3, 64, 64)),
    "RegionNet": (lambda rng: models.RegionNet(5, rng=rng), (2, 3, 64, 64)),
    "ResNet": (
        lambda rng: models.ResNet(models.BasicBlock, (1, 1, 1, 1), 10, rng=rng),
        (4, 3, 64, 64),
    ),
    "ResNetCifar": (lambda rng: models.ResNetCifar(8, rng=rng), (4, 3, 32, 32)),
    "SegNet": (lambda rng: models.SegNet(4, ((6, 8), (8,)), rng=rng), (2, 3, 12, 16)),
    "StackedConvNet": (
        lambda rng: models.StackedConvNet([[8, 8], [16]], batch_norm=True, rng=rng),
        (4, 1, 28, 28),
    ),
    "UNet": (
        lambda rng: _OneInOneOut(models.UNet((8, 16), time_features=8, rng=rng), _times),
        (3, 1, 8, 8),
    ),
    "VAE": (lambda rng: _OneInOneOut(models.VAE(3, rng=rng)), (2, 1, 28, 28)),
    "VGG": (lambda rng: models.VGG((1, 1, 1, 1, 1), True, 10, rng=rng), (2, 3, 32, 32)),
    "ZeroPadShortcut": (lambda rng: models.ZeroPadShortcut(2, stride=2), _IMAGES),
}

LOSSES: dict[str, Callable[[], Loss]] = {
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
    "MSELoss": nn.MSELoss,
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
