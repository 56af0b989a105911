"""A small U-Net that is told how noisy its picture is: the network of a diffusion model."""

from __future__ import annotations

import itertools
import math

import numpy as np

from dlcourse.backend import Array, array_module, elementwise
from dlcourse.nn import (
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    GroupNorm,
    Linear,
    Module,
    ReLU,
    Sequential,
)
from dlcourse.nn.containers import join
from dlcourse.nn.kernels.windows import check_images

#: Channels in a group of `GroupNorm`.
_GROUP = 8


class TimeBlock(Module):
    """A residual block that also takes in a vector: what time it is.

    ``y = conv2(relu(norm2(conv1(relu(norm1(x))) + time(v)))) + shortcut(x)`` (He et al. 2016b, with
    the time added as in Ho et al. 2020): the vector becomes one number per channel, the same
    for all pixels. The shortcut is a 1x1 convolution where the number of channels changes, and
    otherwise nothing.

    Parameters
    ----------
    in_channels, out_channels : int
        Multiples of 8.
    time_features : int
        Length D of the vector.
    rng : numpy.random.Generator
        Draws the initial weights. Those of the last convolution start at zero, so that the block
        begins as its shortcut.

    Examples
    --------
    >>> block = TimeBlock(8, 16, 32, rng=np.random.default_rng(0))
    >>> block(np.zeros((2, 8, 7, 7), np.float32), np.zeros((2, 32), np.float32)).shape
    (2, 16, 7, 7)
    """

    def __init__(
        self, in_channels: int, out_channels: int, time_features: int, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.before = Sequential(
            GroupNorm(in_channels // _GROUP, in_channels),
            ReLU(),
            Conv2d(in_channels, out_channels, 3, padding=1, rng=rng),
        )
        self.time = Linear(time_features, out_channels, rng=rng)
        self.after = Sequential(
            GroupNorm(out_channels // _GROUP, out_channels),
            ReLU(),
            _starting_at_zero(Conv2d(out_channels, out_channels, 3, padding=1, rng=rng)),
        )
        self.shortcut = (
            None if in_channels == out_channels else Conv2d(in_channels, out_channels, 1, rng=rng)
        )

    def forward(self, x: Array, time: Array) -> Array:
        """Return (N, O, H, W) for features (N, C, H, W) and vectors (N, D)."""
        h = elementwise("add", self.before(x), self.time(time)[:, :, None, None])
        around = x if self.shortcut is None else self.shortcut(x)
        return elementwise("add", self.after(h), around)

    def backward(self, dy: Array) -> tuple[Array, Array]:
        """Return the gradients with respect to the features and to the vectors."""
        dh = self.after.backward(dy)
        around = dy if self.shortcut is None else self.shortcut.backward(dy)
        d_time = self.time.backward(dh.sum(axis=(2, 3)))  # one number reached all pixels
        return elementwise("add", self.before.backward(dh), around), d_time


class UNet(Module):
    """Down to a few pixels and up again, with a bridge at each size (Ronneberger et al. 2015).

    On the way down the grid is halved and channels are added: it gets lost where things are, and
    gets clear what they are. On the way up, features of the same size from the way down are
    *concatenated*: they still know where. Each block takes in the time, as waves (`time_waves`)
    that have passed through two linear layers. The output is as large as the picture, since it is
    the picture's noise (Ho et al. 2020).

    Parameters
    ----------
    widths : tuple of int
        Channels at each size, multiples of 8; as many sizes as there are numbers.
    channels : int
        Channels of the pictures.
    time_features : int
        Length of the vector that tells the time, an even number.
    rng : numpy.random.Generator
        Draws the initial weights. Those of the last convolution start at zero.

    Raises
    ------
    ValueError
        If a width is not a multiple of 8, a picture's sides cannot be halved that often, or there
        is not one time for each picture.

    Examples
    --------
    >>> net = UNet((16, 32), rng=np.random.default_rng(0))
    >>> net(np.zeros((2, 1, 28, 28), np.float32), np.array([1, 200])).shape
    (2, 1, 28, 28)
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64),
        channels: int = 1,
        time_features: int = 64,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        if not widths or any(width < _GROUP or width % _GROUP for width in widths):
            raise ValueError(f"widths must be multiples of {_GROUP}, at least one, found {widths}")
        self.widths = widths
        self.channels = channels
        self.time_features = time_features
        self.time = Sequential(
            Linear(time_features, time_features, rng=rng),
            ReLU(),
            Linear(time_features, time_features, rng=rng),
            ReLU(),
        )
        self.time.skip_input_grad()

        def block(before: int, after: int) -> TimeBlock:
            return TimeBlock(before, after, time_features, rng=rng)

        self.first = Conv2d(channels, widths[0], 3, padding=1, rng=rng)
        self.down = Sequential(
            *(block(widths[max(i - 1, 0)], width) for i, width in enumerate(widths))
        )
        self.pools = Sequential(*(AvgPool2d(2) for _ in widths[1:]))
        self.middle = block(widths[-1], widths[-1])
        # The way up, in the order of the way down.
        self.enlarge = Sequential(
            *(
                ConvTranspose2d(below, width, 2, stride=2, rng=rng)
                for width, below in itertools.pairwise(widths)
            )
        )
        self.up = Sequential(*(block(2 * width, width) for width in widths[:-1]))
        self.last = Sequential(
            GroupNorm(widths[0] // _GROUP, widths[0]),
            ReLU(),
            _starting_at_zero(Conv2d(widths[0], channels, 3, padding=1, rng=rng)),
        )

    def forward(self, x: Array, t: Array) -> Array:
        """Return (N, C, H, W), given pictures (N, C, H, W) and the time (N,) of each."""
        check_images("UNet", x, self.channels, factor=2 ** (len(self.widths) - 1))
        if t.shape != x.shape[:1]:
            raise ValueError(
                f"UNet expects one time for each of {len(x)} pictures, found {t.shape}"
            )
        xp = array_module(x)
        waves = time_waves(t, self.time_features)
        time = self.time(xp.asarray(waves, dtype=x.dtype))
        x = self.first(x)
        bridges: list[Array] = []
        for i, block in enumerate(self.down):
            if i > 0:
                x = self.pools[i - 1](bridges[-1])
            x = block(x, time)
            bridges.append(x)
        x = self.middle(x, time)
        for i in reversed(range(len(self.up))):
            x = self.up[i](join([self.enlarge[i](x), bridges[i]]), time)
        return self.last(x)

    def backward(self, dy: Array) -> tuple[Array, None]:
        """Return the pictures' gradient, given that of the output; times have none."""
        dx = self.last.backward(dy)
        d_bridges, d_times = [], []
        for i, block in enumerate(self.up):
            dx, d_time = block.backward(dx)
            d_times.append(d_time)
            width = self.widths[i]  # what was joined goes its two ways
            d_bridges.append(dx[:, width:])
            dx = self.enlarge[i].backward(dx[:, :width])
        dx, d_time = self.middle.backward(dx)
        d_times.append(d_time)
        for i in reversed(range(len(self.down))):
            dx, d_time = self.down[i].backward(dx)
            d_times.append(d_time)
            if i > 0:
                dx = elementwise("add", self.pools[i - 1].backward(dx), d_bridges[i - 1])
        self.time.backward(sum(d_times[1:], d_times[0]))
        return self.first.backward(dx), None

    def entrance(self) -> Module:
        return self.first


def time_waves(t: Array, features: int) -> Array:
    """Return sines and cosines of a time, from fast waves to slow ones (Vaswani et al. 2017).

    ``[sin(t / 1), ..., sin(t / 10000), cos(t / 1), ..., cos(t / 10000)]``: like the hands of many
    clocks, they tell apart times that are close and times that are far.

    Parameters
    ----------
    t : array of shape (N,)
        The times.
    features : int
        How many numbers for each, an even number.

    Returns
    -------
    array of shape (N, features)

    Raises
    ------
    ValueError
        If the number of features is not even or below 4.

    Examples
    --------
    >>> time_waves(np.array([0.0]), 4)
    array([[0., 0., 1., 1.]])
    """
    if features < 4 or features % 2:
        raise ValueError(f"features must be an even number of at least 4, found {features}")
    xp = array_module(t)
    half = features // 2
    rates = xp.exp(xp.arange(half) * (-math.log(10_000.0) / (half - 1)))
    angles = t[:, None] * rates
    return xp.concatenate([xp.sin(angles), xp.cos(angles)], axis=1)


def _starting_at_zero(layer: Conv2d) -> Conv2d:
    layer.weight.data[...] = 0
    return layer
