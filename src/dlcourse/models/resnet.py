"""The residual networks for ImageNet, from 18 to 152 layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.pretrained import builder
from dlcourse.models.residual import BasicBlock, Bottleneck, projection
from dlcourse.nn import BatchNorm2d, Conv2d, GlobalAvgPool, Linear, MaxPool2d, ReLU, Sequential


class ResNet(SequentialClassifier):
    """A residual network for large images (He et al. 2016a, table 1).

    A 7x7 convolution and max pooling bring 224x224 down to 56x56; four stages of blocks follow,
    the second to fourth of which begin by halving the image; the mean of each channel goes into
    a linear layer. Shortcuts are the identity, or a 1x1 convolution where the shape changes.

    Keys, shapes and order of the state are torchvision's.

    Parameters
    ----------
    block : BasicBlock or Bottleneck, the class
        What the stages are made of.
    layers : sequence of four int
        Blocks in each stage.
    num_classes : int
        Number of scores.
    zero_init_residual : bool
        Whether the last batch normalization of each block starts with a weight of 0, so that
        the block starts as the identity (Goyal et al. 2017, section 5.1).
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> net = ResNet(BasicBlock, (1, 1, 1, 1), num_classes=10, rng=np.random.default_rng(0))
    >>> net.predict(np.zeros((1, 3, 64, 64), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if len(layers) != 4 or min(layers) < 1:
            raise ValueError(f"layers must be four numbers of at least 1, found {tuple(layers)}")
        self.conv1 = Conv2d(3, 64, 7, stride=2, padding=3, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        e = block.expansion
        self.layer1 = _stage(block, 64, 64, layers[0], 1, rng)
        self.layer2 = _stage(block, 64 * e, 128, layers[1], 2, rng)
        self.layer3 = _stage(block, 128 * e, 256, layers[2], 2, rng)
        self.layer4 = _stage(block, 256 * e, 512, layers[3], 2, rng)
        self.avgpool = GlobalAvgPool()
        self.fc = Linear(512 * e, num_classes, rng=rng)
        if zero_init_residual:
            for _, module in self.named_modules():
                if isinstance(module, BasicBlock):
                    module.bn2.weight.data[...] = 0
                elif isinstance(module, Bottleneck):
                    module.bn3.weight.data[...] = 0


def _stage(
    block: type[BasicBlock] | type[Bottleneck],
    c_in: int,
    channels: int,
    blocks: int,
    stride: int,
    rng: np.random.Generator,
) -> Sequential:
    c_out = channels * block.expansion
    changes = stride != 1 or c_in != c_out
    shortcut = projection(c_in, c_out, stride, rng=rng) if changes else None
    return Sequential(
        block(c_in, channels, stride, shortcut, rng=rng),
        *(block(c_out, channels, rng=rng) for _ in range(blocks - 1)),
    )


resnet18 = builder(
    "resnet18", "2, 2, 2, 2 basic blocks, 11,689,512 parameters", ResNet, BasicBlock, (2, 2, 2, 2)
)
resnet34 = builder(
    "resnet34", "3, 4, 6, 3 basic blocks, 21,797,672 parameters", ResNet, BasicBlock, (3, 4, 6, 3)
)
resnet50 = builder(
    "resnet50", "3, 4, 6, 3 bottlenecks, 25,557,032 parameters", ResNet, Bottleneck, (3, 4, 6, 3)
)
resnet101 = builder(
    "resnet101", "3, 4, 23, 3 bottlenecks, 44,549,160 parameters", ResNet, Bottleneck, (3, 4, 23, 3)
)
resnet152 = builder(
    "resnet152", "3, 8, 36, 3 bottlenecks, 60,192,808 parameters", ResNet, Bottleneck, (3, 8, 36, 3)
)
