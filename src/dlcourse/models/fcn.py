"""Fully convolutional networks: a class for each pixel, in one pass (Long et al. 2015)."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.backbone import WIDTHS, backbone, conv_bn_relu
from dlcourse.nn import (
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Module,
    Sequential,
    init,
)
from dlcourse.nn.kernels.windows import check_images


class FCN(Module):
    """A class for each pixel: scores on a coarse grid, enlarged to the picture (Long et al. 2015).

    Five stages each halve the picture, as in VGG-16 but narrower. What were fully connected layers
    in a classifier are convolutions, so any size of picture will do, and each place of the last
    grid gets its own scores. FCN-32s enlarges these 32 times. FCN-16s first enlarges them twice,
    adds scores from one stage earlier, where the grid is finer, and then enlarges 16 times; FCN-8s
    does so once more. Everything that enlarges is a transposed convolution that starts as linear
    interpolation and goes on learning.

    Parameters
    ----------
    classes : int
        How many classes there are, the ground among them.
    stride : int
        32, 16 or 8: how coarse the finest grid with scores is.
    dropout : float
        Probability with which the last hidden layer is dropped.
    rng : numpy.random.Generator
        Draws the initial weights. Scores of earlier stages start at zero (section 4.2), so that
        FCN-16s begins where FCN-32s ended if it is given the weights of FCN-32s.

    Raises
    ------
    ValueError
        If the stride is not one of these, or a picture's sides are not multiples of 32.

    Examples
    --------
    >>> fcn = FCN(11, stride=8, rng=np.random.default_rng(0)).eval()
    >>> fcn(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 11, 96, 96)
    """

    def __init__(
        self, classes: int = 11, stride: int = 8, dropout: float = 0.5, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        if stride not in (8, 16, 32):
            raise ValueError(f"stride must be 8, 16 or 32, found {stride}")
        self.stride = stride
        self.stages = backbone(WIDTHS, rng=rng)
        self.head = Sequential(
            *conv_bn_relu([WIDTHS[-1][-1], 256], rng=rng),
            Dropout(dropout),
            Conv2d(256, classes, 1, rng=rng),
        )
        if stride <= 16:
            self.score_pool4 = _zero_scores(WIDTHS[3][-1], classes, rng)
            self.upscore2 = _enlarging(classes, 2, rng)
        if stride <= 8:
            self.score_pool3 = _zero_scores(WIDTHS[2][-1], classes, rng)
            self.upscore4 = _enlarging(classes, 2, rng)
        self.upscore = _enlarging(classes, stride, rng)

    def forward(self, x: Array) -> Array:
        check_images("FCN", x, channels=3, factor=32)
        pools = []
        for stage in self.stages:
            x = stage(x)
            pools.append(x)
        scores = self.head(x)
        if self.stride <= 16:
            scores = self.upscore2(scores) + self.score_pool4(pools[3])
        if self.stride <= 8:
            scores = self.upscore4(scores) + self.score_pool3(pools[2])
        return self.upscore(scores)

    def backward(self, dy: Array) -> Array:
        d_scores = self.upscore.backward(dy)
        d_pools: dict[int, Array] = {}  # gradients from the scores of earlier stages
        if self.stride <= 8:  # a sum hands its gradient to both terms
            d_pools[2] = self.score_pool3.backward(d_scores)
            d_scores = self.upscore4.backward(d_scores)
        if self.stride <= 16:
            d_pools[3] = self.score_pool4.backward(d_scores)
            d_scores = self.upscore2.backward(d_scores)
        dx = self.head.backward(d_scores)
        for index in reversed(range(len(self.stages))):
            if index in d_pools:
                dx = dx + d_pools[index]
            dx = self.stages[index].backward(dx)
        return dx

    def entrance(self) -> Module:
        return self.stages

    def predict(self, x: Array) -> Array:
        """Return the class of each pixel, (N, H, W), with dropout off."""
        return self.for_inference()(x).argmax(axis=1)


def convolutionalize(weight: Array, size: tuple[int, int]) -> Array:
    """Return the weights of a linear layer on flattened features as a convolution's weights.

    The layer took C x H x W values in a row; the convolution has a kernel of H x W. On features of
    this size it gives the same numbers, on larger ones it gives them for each window, and the work
    that windows share is done once.

    Parameters
    ----------
    weight : array of shape (O, C * H * W)
        Of a `Linear` layer after a `Flatten`.
    size : (int, int)
        Height and width of the features that were flattened.

    Returns
    -------
    array of shape (O, C, H, W)

    Raises
    ------
    ValueError
        If the number of weights is not a multiple of H * W.

    Examples
    --------
    >>> convolutionalize(np.zeros((50, 1024), np.float32), (4, 4)).shape
    (50, 64, 4, 4)
    """
    outputs, inputs = weight.shape
    height, width = size
    if inputs % (height * width):
        raise ValueError(
            f"expected a number of inputs that is a multiple of {height} x {width}, found {inputs}"
        )
    return weight.reshape(outputs, -1, height, width)


def _zero_scores(channels: int, classes: int, rng: np.random.Generator) -> Conv2d:
    layer = Conv2d(channels, classes, 1, rng=rng)
    layer.weight.data[...] = 0
    return layer


def _enlarging(classes: int, factor: int, rng: np.random.Generator) -> ConvTranspose2d:
    layer = ConvTranspose2d(
        classes, classes, 2 * factor, factor, padding=factor // 2, bias=False, rng=rng
    )
    layer.weight.data[...] = init.bilinear(classes, factor)
    return layer
