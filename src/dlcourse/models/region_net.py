"""The two networks of detection by regions: one that looks at each, one that looks once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.backbone import WIDTHS, backbone, conv_bn_relu
from dlcourse.models.classifier import SequentialClassifier
from dlcourse.nn import (
    Dropout,
    Flatten,
    Linear,
    Module,
    ReLU,
    RoIPool,
    Sequential,
)


class RegionNet(SequentialClassifier):
    """R-CNN's network: what is in one region, warped to 64 x 64 pixels (Girshick et al. 2014).

    The first four stages of `FCN`'s backbone, then a hidden layer whose 256 values are the
    *features* that R-CNN's other parts work on.

    Parameters
    ----------
    classes : int
        How many classes there are, the ground among them.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> net = RegionNet(11, rng=np.random.default_rng(0)).eval()
    >>> regions = np.zeros((5, 3, 64, 64), np.float32)
    >>> net(regions).shape, net.features(regions).shape
    ((5, 11), (5, 256))
    """

    #: Height and width of a warped region.
    size = 64

    def __init__(self, classes: int = 11, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.stages = backbone(WIDTHS[:4], rng=rng)
        self.flatten = Flatten()
        self.hidden = Linear(WIDTHS[3][-1] * (self.size // 16) ** 2, 256, rng=rng)
        self.relu = ReLU()
        self.dropout = Dropout()
        self.score = Linear(256, classes, rng=rng)

    def features(self, x: Array) -> Array:
        """Return what the last layer sees for regions (R, 3, 64, 64): (R, 256)."""
        return self.relu(self.hidden(self.flatten(self.stages(x))))


class RCNN(RegionNet):
    """All that R-CNN learns, with the network of `RegionNet` (Girshick et al. 2014).

    What is fitted to the network's features, and not trained by gradients, are buffers:
    ``machines`` (classes, 257), weights and, last, the offset of the support vector machine of each
    class, of which class 0 has none; ``regressions`` (classes, 257, 4), which predict shifts; and
    ``scale`` (1,), what features are divided by, so that their norm is about 1.

    Parameters
    ----------
    classes : int
        How many classes there are, the ground among them.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> RCNN(11, rng=np.random.default_rng(0)).machines.shape
    (11, 257)
    """

    machines: Array
    regressions: Array
    scale: Array

    def __init__(self, classes: int = 11, *, rng: np.random.Generator) -> None:
        super().__init__(classes, rng=rng)
        size = self.score.weight.data.shape[1] + 1
        self.register_buffer("machines", np.zeros((classes, size), np.float32))
        self.register_buffer("regressions", np.zeros((classes, size, 4), np.float32))
        self.register_buffer("scale", np.ones(1, np.float32))


class FastRCNNOutputs(NamedTuple):
    """What Fast R-CNN says about each region."""

    scores: Array  #: (R, classes)
    shifts: Array  #: (R, classes, 4), towards the box of a thing of each class, see `boxes.encode`


class FastRCNN(Module):
    """Fast R-CNN: one pass over the picture serves all its regions (Girshick 2015).

    Three stages of `FCN`'s backbone and one more convolution give features at every eighth pixel.
    `RoIPool` cuts a grid of 4 x 4 out of them for each region; a hidden layer and two last ones
    say what the region shows, and how to move it.

    Parameters
    ----------
    classes : int
        How many classes there are, the ground among them.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> net = FastRCNN(11, rng=np.random.default_rng(0)).eval()
    >>> regions = np.array([[0, 10, 10, 50, 60]], np.float32)  # image, left, top, right, bottom
    >>> scores, shifts = net(np.zeros((1, 3, 96, 96), np.float32), regions)
    >>> scores.shape, shifts.shape
    ((1, 11), (1, 11, 4))
    """

    def __init__(self, classes: int = 11, *, rng: np.random.Generator) -> None:
        super().__init__()
        width = WIDTHS[3][0]
        self.stages = Sequential(
            *backbone(WIDTHS[:3], rng=rng), *conv_bn_relu([WIDTHS[2][-1], width], rng=rng)
        )
        self.pool = RoIPool(4, spatial_scale=1 / 8)
        self.head = Sequential(Flatten(), Linear(16 * width, 256, rng=rng), ReLU(), Dropout())
        self.score = Linear(256, classes, rng=rng)
        self.shift = Linear(256, 4 * classes, rng=rng)
        self.shift.weight.data *= 0.01  # at first, regions stay where they are

    def forward(self, x: Array, regions: Array) -> FastRCNNOutputs:
        """Run over pictures (N, 3, H, W) once, and judge each region (R, 5) of them."""
        hidden = self.head(self.pool(self.stages(x), regions))
        shifts = self.shift(hidden)
        return FastRCNNOutputs(
            self.score(hidden), shifts.reshape(len(regions), self.shift.out_features // 4, 4)
        )

    def backward(self, dy: FastRCNNOutputs) -> tuple[Array, None]:
        """Return the pictures' gradient, given those of both outputs; regions have none."""
        d_scores, d_shifts = dy
        d_hidden = self.score.backward(d_scores)
        d_hidden = d_hidden + self.shift.backward(d_shifts.reshape(-1, self.shift.out_features))
        d_features, _ = self.pool.backward(self.head.backward(d_hidden))
        return self.stages.backward(d_features), None

    def entrance(self) -> Module:
        return self.stages
