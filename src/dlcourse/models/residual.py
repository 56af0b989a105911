"""Residual blocks (He et al. 2016a): what is learnt is the difference from the input.

A block adds its input to what its layers make of it, ``y = relu(F(x) + x)``. Where the shape
changes on the way, the input is brought to the new shape first: by a 1x1 convolution
(`projection`), or without parameters (`ZeroPadShortcut`).

Names and order of the state are torchvision's.
"""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module, elementwise
from dlcourse.habits import explained
from dlcourse.nn import BatchNorm2d, Conv2d, Module, ReLU, Sequential
from dlcourse.nn.chained import chained


class _ResidualBlock(Module):
    """The body of a block, the shortcut around it, and the ReLU after their sum."""

    relu: ReLU
    downsample: Module | None
    shortcut: bool

    def body(self) -> list[Module]:
        """Return the layers of the residual function F, in order."""
        around = (self.relu, self.downsample)
        return [layer for layer in self.children() if layer not in around]

    def forward(self, x: Array) -> Array:
        around = self.downsample(x) if self.downsample is not None else x
        return chained(x, *self.body(), self.relu, plus=around if self.shortcut else None)

    def backward(self, dy: Array) -> Array:
        dy = self.relu.backward(dy)
        dx = dy
        first, *others = self.body()
        for layer in reversed(others):
            dx = layer.backward(dx)
        if not self.shortcut:
            return first.backward(dx)
        # A sum hands its gradient to both terms: the shortcut brings it back unchanged.
        around = self.downsample.backward(dy) if self.downsample is not None else dy
        if type(first) is Conv2d and "backward" not in vars(first):
            return first.backward(dx, plus=around)
        return elementwise("add", first.backward(dx), around)

    def _join(
        self, c_in: int, c_out: int, stride: int, downsample: Module | None, shortcut: bool
    ) -> None:
        """Set the shortcut, once the layers of the body are assigned."""
        if shortcut and downsample is None and (c_in != c_out or stride != 1):
            raise ValueError(
                f"the shortcut has to go from {c_in} to {c_out} channels with stride {stride}: "
                "give a module for it, such as downsample=projection(...)"
            )
        self.relu = ReLU()
        self.downsample = downsample if shortcut else None
        self.shortcut = shortcut


class BasicBlock(_ResidualBlock):
    """Two 3x3 convolutions with a shortcut around them (He et al. 2016a, figure 5, left).

    Parameters
    ----------
    in_channels, channels : int
        Channels of the input and of the output.
    stride : int
        Of the first convolution; 2 halves the image.
    downsample : Module, optional
        The layers on the shortcut; needed where the shape changes.
    shortcut : bool
        False leaves the shortcut out: a plain block, to compare with.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> block = BasicBlock(8, 16, 2, downsample=projection(8, 16, 2, rng=rng), rng=rng)
    >>> block(np.ones((1, 8, 6, 6), np.float32)).shape
    (1, 16, 3, 3)
    """

    #: Channels of the output, as a multiple of `channels`.
    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: Module | None = None,
        shortcut: bool = True,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, channels, 3, stride, padding=1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(channels)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(channels, channels, 3, padding=1, bias=False, rng=rng)
        self.bn2 = BatchNorm2d(channels)
        self._join(in_channels, channels, stride, downsample, shortcut)


class Bottleneck(_ResidualBlock):
    """1x1 to fewer channels, 3x3 there, 1x1 back to four times as many, and a shortcut.

    He et al. 2016a, figure 5, right. The 3x3 convolution has the stride, as in torchvision
    ("ResNet v1.5"); in the paper the first one has it.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    channels : int
        Channels inside; the output has four times as many.
    stride : int
        Of the 3x3 convolution; 2 halves the image.
    downsample : Module, optional
        The layers on the shortcut; needed where the shape changes.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> block = Bottleneck(16, 4, rng=np.random.default_rng(0))
    >>> block(np.ones((1, 16, 6, 6), np.float32)).shape
    (1, 16, 6, 6)
    """

    #: Channels of the output, as a multiple of `channels`.
    expansion = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: Module | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        width = channels * self.expansion
        self.conv1 = Conv2d(in_channels, channels, 1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(channels)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(channels, channels, 3, stride, padding=1, bias=False, rng=rng)
        self.bn2 = BatchNorm2d(channels)
        self.relu2 = ReLU()
        self.conv3 = Conv2d(channels, width, 1, bias=False, rng=rng)
        self.bn3 = BatchNorm2d(width)
        self._join(in_channels, width, stride, downsample, shortcut=True)


@explained
def projection(
    in_channels: int, out_channels: int, stride: int, *, rng: np.random.Generator
) -> Sequential:
    """Return a 1x1 convolution with batch normalization, for shortcuts (option B of He et al.).

    Examples
    --------
    >>> shortcut = projection(8, 16, 2, rng=np.random.default_rng(0))
    >>> shortcut(np.ones((1, 8, 6, 6), np.float32)).shape
    (1, 16, 3, 3)
    """
    return Sequential(
        Conv2d(in_channels, out_channels, 1, stride, bias=False, rng=rng),
        BatchNorm2d(out_channels),
    )


class ZeroPadShortcut(Module):
    """A shortcut without parameters: every other pixel, and channels of zeros (option A).

    Parameters
    ----------
    extra_channels : int
        Channels of zeros added after those of the input.
    stride : int
        Steps between the pixels that are kept.

    Examples
    --------
    >>> y = ZeroPadShortcut(2, stride=2)(np.ones((1, 2, 5, 5), np.float32))
    >>> y.shape, y[0, :, 0, 0].tolist()
    ((1, 4, 3, 3), [1.0, 1.0, 0.0, 0.0])
    """

    def __init__(self, extra_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.extra_channels = extra_channels
        self.stride = stride

    def forward(self, x: Array) -> Array:
        self._x = x
        kept = x[:, :, :: self.stride, :: self.stride]
        n, c, h, w = kept.shape
        # In memory (N, H, W, C), like the array it is added to.
        y = array_module(x).zeros((n, h, w, c + self.extra_channels), x.dtype).transpose(0, 3, 1, 2)
        y[:, :c] = kept
        return y

    def backward(self, dy: Array) -> Array:
        dx = array_module(dy).zeros_like(self._x)
        dx[:, :, :: self.stride, :: self.stride] = dy[:, : dx.shape[1]]
        return dx
