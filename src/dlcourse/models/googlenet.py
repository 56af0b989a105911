"""GoogLeNet: wide blocks instead of large layers, and two classifiers along the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.classifier import Classifier
from dlcourse.models.googlenet_aux import GoogLeNetLoss, GoogLeNetOutputs, InceptionAux
from dlcourse.models.inception import BasicConv2d, Inception
from dlcourse.models.pretrained import builder
from dlcourse.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Dropout,
    GlobalAvgPool,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
)

#: The arguments of each block: the rows of the paper's table 1.
BLOCKS = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}

#: Which auxiliary classifier takes the output of which block.
_HEADS = {"inception4a": "aux1", "inception4d": "aux2"}


class GoogLeNet(Classifier):
    """GoogLeNet (Szegedy et al. 2015) in torchvision's form, with batch normalization.

    Three convolutions, nine `Inception` blocks, a mean of each channel, and one linear layer:
    6,624,904 parameters, and two auxiliary classifiers, which run in training only, make them
    13,004,888. Blocks have 3x3 windows where the paper has 5x5, an oversight that the published
    weights have made permanent; `GoogLeNet2014` has 5x5.

    In training with auxiliary classifiers ``forward`` returns `GoogLeNetOutputs`, three arrays
    of scores, and ``backward`` takes `GoogLeNetOutputs` with the gradient of each. Otherwise
    both work on one array.

    Keys, shapes and order of the state are torchvision's. Weights start as in He et al. (2015);
    torchvision draws them from a truncated normal distribution of standard deviation 0.01.
    torchvision's own input range (``transform_input``) is left to `preprocess_for`.

    Parameters
    ----------
    num_classes : int
        Number of scores.
    aux_logits : bool
        Whether there are auxiliary classifiers.
    dropout, dropout_aux : float
        Probability of dropping a value before the last layer of the main and of the auxiliary
        classifiers.
    rng : numpy.random.Generator
        Draws the initial weights, then the dropout masks.

    Examples
    --------
    A step of training, with the auxiliary losses:

    >>> from dlcourse.optim import SGD
    >>> rng = np.random.default_rng(0)
    >>> net = GoogLeNet(num_classes=10, rng=rng)
    >>> x, t = rng.standard_normal((2, 3, 64, 64), dtype=np.float32), np.array([3, 5])
    >>> optimizer, loss = SGD(net.parameters(), lr=0.01), GoogLeNetLoss()
    >>> scores, scores2, scores1 = outputs = net(x)
    >>> value = loss(outputs, t)
    >>> optimizer.zero_grad()
    >>> dx = net.backward(loss.backward())  # the gradients of all three
    >>> optimizer.step()
    >>> net.eval()(x).shape
    (2, 10)
    """

    #: How the two forms differ.
    batch_norm: ClassVar[bool] = True
    wide_kernel: ClassVar[int] = 3
    last_pool: ClassVar[int] = 2

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        batch_norm = self.batch_norm

        def block(name: str) -> Inception:
            return Inception(*BLOCKS[name], batch_norm, self.wide_kernel, rng=rng)

        def pool(size: int) -> MaxPool2d:
            return MaxPool2d(size, stride=2, ceil_mode=True)

        self.conv1 = BasicConv2d(3, 64, 7, stride=2, padding=3, batch_norm=batch_norm, rng=rng)
        self.maxpool1 = pool(3)
        if not batch_norm:
            self.norm1 = LocalResponseNorm(5)
        self.conv2 = BasicConv2d(64, 64, 1, batch_norm=batch_norm, rng=rng)
        self.conv3 = BasicConv2d(64, 192, 3, padding=1, batch_norm=batch_norm, rng=rng)
        if not batch_norm:
            self.norm2 = LocalResponseNorm(5)
        self.maxpool2 = pool(3)
        self.inception3a = block("3a")
        self.inception3b = block("3b")
        self.maxpool3 = pool(3)
        self.inception4a = block("4a")
        self.inception4b = block("4b")
        self.inception4c = block("4c")
        self.inception4d = block("4d")
        self.inception4e = block("4e")
        self.maxpool4 = pool(self.last_pool)
        self.inception5a = block("5a")
        self.inception5b = block("5b")
        if aux_logits:
            self.aux1 = self._head(512, num_classes, dropout_aux, rng)
            self.aux2 = self._head(528, num_classes, dropout_aux, rng)
        self.aux_logits = aux_logits
        self.avgpool = GlobalAvgPool()
        self.dropout = Dropout(dropout, rng=rng)
        self.fc = Linear(1024, num_classes, rng=rng)

    def _head(
        self, in_channels: int, num_classes: int, dropout: float, rng: np.random.Generator
    ) -> InceptionAux:
        # For 224x224 the paper's windows on 14x14 are 5 wide in steps of 3; torchvision's are 4.
        pool = AdaptiveAvgPool2d(4) if self.batch_norm else AvgPool2d(5, 3)
        return InceptionAux(in_channels, num_classes, pool, self.batch_norm, dropout, rng=rng)

    def _trunk(self) -> Iterator[tuple[Module, Module | None]]:
        """Yield each layer of the network, with the auxiliary classifier that takes its output."""
        parts = dict(self.named_children())
        for name, layer in parts.items():
            if not isinstance(layer, InceptionAux):
                yield layer, parts.get(_HEADS.get(name, ""))

    def criterion(self) -> GoogLeNetLoss:
        """Return a new `GoogLeNetLoss`, which this network is trained with."""
        return GoogLeNetLoss()

    def forward(self, x: Array) -> Array:
        side = []
        for layer, head in self._trunk():
            x = layer(x)
            if head is not None and self.training:
                side.append(head(x))
        return GoogLeNetOutputs(x, *reversed(side)) if side else x

    def backward(self, dy: Array) -> Array:
        dx, *side = dy if isinstance(dy, tuple) else (dy,)
        for layer, head in reversed([*self._trunk()]):
            if head is not None and side:
                # The block's output went two ways, so the gradients of both add up.
                dx = dx + head.backward(side.pop(0))
            dx = layer.backward(dx)
        return dx

    def entrance(self) -> Module:
        return self.conv1


googlenet = builder("googlenet", "torchvision's form, 13,004,888 parameters", GoogLeNet)
