"""The small convolutional backbone that networks for segmentation, regions and captions share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dlcourse.habits import explained
from dlcourse.nn import BatchNorm2d, Conv2d, MaxPool2d, Module, ReLU, Sequential

#: Channels of each stage of the small backbone; the stage ends by halving the picture.
WIDTHS = ((16,), (32,), (64, 64), (96,), (128,))


@explained
def backbone(stages: Sequence[Sequence[int]], *, rng: np.random.Generator) -> Sequential:
    """Return stages of 3 x 3 convolutions that each end with a 2 x 2 max pooling.

    Parameters
    ----------
    stages : sequence of sequences of int
        Filters of each convolution, stage by stage; the first takes pictures of three colours.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> stages = backbone(WIDTHS[:2], rng=np.random.default_rng(0))
    >>> stages(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 32, 24, 24)
    """
    inputs = [3, *(widths[-1] for widths in stages)]
    return Sequential(
        *(
            Sequential(*conv_bn_relu([channels, *widths], rng=rng), MaxPool2d(2))
            for channels, widths in zip(inputs, stages, strict=False)
        )
    )


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
