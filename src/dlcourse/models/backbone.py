"""The small convolutional backbone that networks for segmentation, regions and captions share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dlcourse.habits import explained
from dlcourse.nn import BatchNorm2d, Conv2d, MaxPool2d, Module, ReLU, Sequential

#: Channels of each stage; the stage ends by halving the picture.
WIDTHS = ((16,), (32,), (64, 64), (96,), (128,))


@explained
def backbone(stages: int = len(WIDTHS), *, rng: np.random.Generator) -> list[Sequential]:
    """Return the first stages of the backbone, each of which halves the picture.

    Parameters
    ----------
    stages : int
        How many.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> first, second = backbone(2, rng=np.random.default_rng(0))
    >>> second(first(np.zeros((1, 3, 96, 96), np.float32))).shape
    (1, 32, 24, 24)
    """
    inputs = [3, *(widths[-1] for widths in WIDTHS)]
    return [
        Sequential(*conv_bn_relu([channels, *widths], rng=rng), MaxPool2d(2))
        for channels, widths in zip(inputs, WIDTHS[:stages], strict=False)
    ]


@explained
def conv_bn_relu(channels: Sequence[int], *, rng: np.random.Generator) -> list[Module]:
    """Return 3 x 3 convolutions, each with batch normalization and ReLU.

    Parameters
    ----------
    channels : sequence of int
        Of the input, and of the output of each convolution.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> len(conv_bn_relu([3, 16, 16], rng=np.random.default_rng(0)))
    6
    """
    layers: list[Module] = []
    for inputs, outputs in pairwise(channels):
        conv = Conv2d(inputs, outputs, 3, padding=1, bias=False, rng=rng)
        layers += [conv, BatchNorm2d(outputs), ReLU()]
    return layers
