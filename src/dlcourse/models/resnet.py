"""The residual networks for ImageNet, from 18 to 152 layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlcourse.models.classifier import SequentialClassifier
from dlcourse.models.pretrained import Weights, generator, load_pretrained
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


def resnet18(
    weights: Weights = None,
    *,
    num_classes: int = 1000,
    zero_init_residual: bool = False,
    rng: np.random.Generator | None = None,
) -> ResNet:
    """Return ResNet-18: two basic blocks per stage, 11,689,512 parameters.

    Parameters
    ----------
    weights : str or path, optional
        ``"imagenet"`` for the published ones, or a file of weights; see `load_pretrained`.
    num_classes : int
        Number of scores.
    zero_init_residual : bool
        Whether each block starts as the identity, see `ResNet`.
    rng : numpy.random.Generator
        Draws the initial weights; it may be left out if `weights` are given.

    Examples
    --------
    >>> net = resnet18(rng=np.random.default_rng(0))
    >>> sum(p.data.size for p in net.parameters())
    11689512
    """
    return _build(
        "resnet18", BasicBlock, (2, 2, 2, 2), weights, num_classes, zero_init_residual, rng
    )


def resnet34(
    weights: Weights = None,
    *,
    num_classes: int = 1000,
    zero_init_residual: bool = False,
    rng: np.random.Generator | None = None,
) -> ResNet:
    """Return ResNet-34: 3, 4, 6 and 3 basic blocks, 21,797,672 parameters; see `resnet18`."""
    return _build(
        "resnet34", BasicBlock, (3, 4, 6, 3), weights, num_classes, zero_init_residual, rng
    )


def resnet50(
    weights: Weights = None,
    *,
    num_classes: int = 1000,
    zero_init_residual: bool = False,
    rng: np.random.Generator | None = None,
) -> ResNet:
    """Return ResNet-50: 3, 4, 6 and 3 bottlenecks, 25,557,032 parameters; see `resnet18`."""
    return _build(
        "resnet50", Bottleneck, (3, 4, 6, 3), weights, num_classes, zero_init_residual, rng
    )


def resnet101(
    weights: Weights = None,
    *,
    num_classes: int = 1000,
    zero_init_residual: bool = False,
    rng: np.random.Generator | None = None,
) -> ResNet:
    """Return ResNet-101: 3, 4, 23 and 3 bottlenecks, 44,549,160 parameters; see `resnet18`."""
    return _build(
        "resnet101", Bottleneck, (3, 4, 23, 3), weights, num_classes, zero_init_residual, rng
    )


def resnet152(
    weights: Weights = None,
    *,
    num_classes: int = 1000,
    zero_init_residual: bool = False,
    rng: np.random.Generator | None = None,
) -> ResNet:
    """Return ResNet-152: 3, 8, 36 and 3 bottlenecks, 60,192,808 parameters; see `resnet18`."""
    return _build(
        "resnet152", Bottleneck, (3, 8, 36, 3), weights, num_classes, zero_init_residual, rng
    )


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


def _build(
    name: str,
    block: type[BasicBlock] | type[Bottleneck],
    layers: Sequence[int],
    weights: Weights,
    num_classes: int,
    zero_init_residual: bool,
    rng: np.random.Generator | None,
) -> ResNet:
    rng = generator(name, weights, rng)
    model = ResNet(block, layers, num_classes, zero_init_residual, rng=rng)
    if weights is not None:
        load_pretrained(model, name, weights)
    return model
