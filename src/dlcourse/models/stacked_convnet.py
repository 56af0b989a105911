"""Convolutions in stages: the plain family with which chapter 1 compares depths and sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)


class StackedConvNet(SequentialClassifier):
    """Stages of convolutions with 2x2 max pooling between them, averaged into a linear layer.

    Averaging each channel over the whole image, instead of a hidden layer (Lin, Chen and Yan 2014),
    leaves nearly all parameters to the convolutions, so that networks of equal size differ only
    in how they are stacked.

    Parameters
    ----------
    stages : sequence of sequences of int
        The output channels of each convolution, stage by stage.
    kernel_size : int
        Of all convolutions; odd. The padding keeps the size of the image.
    batch_norm : bool
        Whether batch normalization follows each convolution, in place of its bias.
    in_channels, classes : int
        Channels of the images, and number of scores.
    rng : numpy.random.Generator
        Draws the initial weights.

    Attributes
    ----------
    features : Sequential
        (N, in_channels, H, W) to the channels of the last convolution at H / 2 ** (stages - 1).
    classifier : Sequential
        To (N, classes).

    Examples
    --------
    >>> net = StackedConvNet([(8, 8), (16, 16)], rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        stages: Sequence[Sequence[int]],
        kernel_size: int = 3,
        batch_norm: bool = False,
        in_channels: int = 1,
        classes: int = 10,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd, to keep the size of the image, found {kernel_size}"
            )
        layers: list[Module] = []
        channels = in_channels
        for i, stage in enumerate(stages):
            if i:
                layers.append(MaxPool2d(2))
            for width in stage:
                layers.append(
                    Conv2d(
                        channels,
                        width,
                        kernel_size,
                        padding=kernel_size // 2,
                        bias=not batch_norm,
                        rng=rng,
                    )
                )
                if batch_norm:
                    layers.append(BatchNorm2d(width))
                layers.append(ReLU())
                channels = width
        self.features = Sequential(*layers)
        self.classifier = Sequential(GlobalAvgPool(), Linear(channels, classes, rng=rng))
