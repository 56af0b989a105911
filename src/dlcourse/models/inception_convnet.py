"""Inception blocks in stages: a small GoogLeNet for small images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.inception import BasicConv2d, Inception
from dlcourse.nn import GlobalAvgPool, Linear, MaxPool2d, Module, Sequential


class InceptionConvNet(SequentialClassifier):
    """A 3x3 convolution, then stages of `Inception` blocks with 2x2 max pooling between them.

    Like `StackedConvNet`, with blocks in place of convolutions, and batch normalization
    throughout. Each block divides its channels as GoogLeNet's block 3a does: of 256, 64 come from
    the 1x1 convolution, 128 from 3x3 (after 96), 32 from 5x5 (after 16), and 32 from the pooling.

    Parameters
    ----------
    stem : int
        Channels of the first convolution.
    stages : sequence of sequences of int
        The output channels of each block, stage by stage; multiples of 16.
    in_channels, classes : int
        Channels of the images, and number of scores.
    rng : numpy.random.Generator
        Draws the initial weights.

    Raises
    ------
    ValueError
        If the channels of a block are not a multiple of 16.

    Examples
    --------
    >>> net = InceptionConvNet(16, [(32,), (64, 64)], rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        stem: int,
        stages: Sequence[Sequence[int]],
        in_channels: int = 1,
        classes: int = 10,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        layers: list[Module] = [
            BasicConv2d(in_channels, stem, 3, padding=1, batch_norm=True, rng=rng)
        ]
        channels = stem
        for i, stage in enumerate(stages):
            if i:
                layers.append(MaxPool2d(2))
            for width in stage:
                if width <= 0 or width % 16:
                    raise ValueError(
                        f"the channels of a block must be a multiple of 16, found {width}"
                    )
                part = width // 16
                layers.append(
                    Inception(
                        *(channels, 4 * part, 6 * part, 8 * part, part, 2 * part, 2 * part),
                        batch_norm=True,
                        rng=rng,
                    )
                )
                channels = width
        self.features = Sequential(*layers)
        self.classifier = Sequential(GlobalAvgPool(), Linear(channels, classes, rng=rng))
