"""The small residual networks of the CIFAR experiments, and their twins without shortcuts."""

from __future__ import annotations

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.residual import BasicBlock, ZeroPadShortcut
from dlcourse.nn import BatchNorm2d, Conv2d, GlobalAvgPool, Linear, ReLU, Sequential


class ResNetCifar(SequentialClassifier):
    """A residual network of 6n + 2 layers for small images (He et al. 2016a, section 4.2).

    One 3x3 convolution, three stages of n blocks (`BasicBlock`) with 16, 32 and 64 channels, of
    which the second and third begin by halving the image, and the mean of each channel into a
    linear layer. Shortcuts have no parameters (option A), so the plain network has exactly as many:
    0.27 and 0.85 million for n = 3 and 9, that is, for 20 and 56 layers.

    Parameters
    ----------
    depth : int
        Layers with weights: 20, 32, 44, 56 and 110 in the paper.
    shortcut : bool
        False makes the plain twin: the same network without shortcuts.
    in_channels : int
        Channels of the images, which may have any size.
    num_classes : int
        Number of scores.
    width : int
        Channels of the first stage; the next have two and four times as many.
    rng : numpy.random.Generator
        Draws the initial weights.

    Raises
    ------
    ValueError
        If `depth` is not 6n + 2.

    Examples
    --------
    >>> net = ResNetCifar(20, rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 3, 32, 32), np.float32)).shape
    (2, 10)
    >>> sum(p.data.size for p in net.parameters())
    269722
    """

    def __init__(
        self,
        depth: int,
        shortcut: bool = True,
        in_channels: int = 3,
        num_classes: int = 10,
        width: int = 16,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if blocks < 1 or rest:
            raise ValueError(f"depth must be 6n + 2: 8, 14, 20, 26, 32, ..., found {depth}")
        self.conv1 = Conv2d(in_channels, width, 3, padding=1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(width)
        self.relu = ReLU()
        self.layer1 = _stage(width, width, 1, blocks, shortcut, rng)
        self.layer2 = _stage(width, 2 * width, 2, blocks, shortcut, rng)
        self.layer3 = _stage(2 * width, 4 * width, 2, blocks, shortcut, rng)
        self.avgpool = GlobalAvgPool()
        self.fc = Linear(4 * width, num_classes, rng=rng)


def _stage(
    c_in: int, c_out: int, stride: int, blocks: int, shortcut: bool, rng: np.random.Generator
) -> Sequential:
    widen = ZeroPadShortcut(c_out - c_in, stride) if c_out != c_in else None
    return Sequential(
        BasicBlock(c_in, c_out, stride, widen, shortcut, rng=rng),
        *(BasicBlock(c_out, c_out, shortcut=shortcut, rng=rng) for _ in range(blocks - 1)),
    )
