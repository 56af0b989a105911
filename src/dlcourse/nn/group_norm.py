"""Group normalization: each image by itself, whatever else is in the batch."""

from __future__ import annotations

import math

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.expect import whole_number
from dlcourse.nn.kernels.lines import as_images, as_lines
from dlcourse.nn.kernels.windows import check_images
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter


class GroupNorm(Module):
    """Groups of an image's channels, normalised to mean 0 and variance 1, then scaled by channel.

    ``y = weight * (x - mean) / sqrt(var + eps) + bias`` (Wu and He 2018), with mean and variance
    over the pixels and channels of one group in one image. `BatchNorm2d` takes them over the whole
    batch instead. Here an image gives the same result in any batch, so training and prediction do
    not differ, and a batch may be cut into parts. float16 is computed in float32 and rounded.

    Parameters
    ----------
    num_groups : int
        How many groups the channels are split into.
    num_channels : int
        Channels C.
    eps : float
        Added to the variance, so that a constant group does not divide by zero.

    Attributes
    ----------
    weight, bias : Parameter of shape (C,)
        Start at 1 and 0.

    Raises
    ------
    ValueError
        If the channels cannot be split evenly.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((8, 6, 5, 5), dtype=np.float32)
    >>> y = GroupNorm(2, 6)(x)
    >>> bool(abs(y[0, :3].mean()) < 1e-6), round(float(y[0, :3].std()), 3)
    (True, 1.0)
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        if whole_number("num_channels", num_channels) % whole_number("num_groups", num_groups):
            raise ValueError(
                "GroupNorm expects a number of groups that divides the channels, found "
                f"{num_groups} for {num_channels}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = Parameter(np.ones(num_channels, np.float32))
        self.bias = Parameter(np.zeros(num_channels, np.float32))

    def forward(self, x: Array) -> Array:
        check_images("GroupNorm", x, self.num_channels)
        xp = array_module(x)
        lines, width = as_lines(x), x.shape[3]
        self._count = math.prod(x.shape[1:]) // self.num_groups
        mean = self._over_groups(_sum(lines, width)) / self._count
        self._centered = lines - _tiled(self._per_channel(mean), width)
        var = self._over_groups(_dot(self._centered, self._centered, width)) / self._count
        self._inverse_std = self._per_channel(1 / xp.sqrt(var + self.eps))
        y = self._centered * _tiled(self.weight.data * self._inverse_std, width)
        y += xp.tile(self.bias.data, width)
        return as_images(y, x.shape).astype(x.dtype, copy=False)

    def backward(self, dy: Array) -> Array:
        lines, width = as_lines(dy), dy.shape[3]
        db = _sum(lines, width)
        dw = _dot(lines, self._centered, width) * self._inverse_std
        self.weight.accumulate(lambda: dw.sum(axis=0))
        self.bias.accumulate(lambda: db.sum(axis=0))
        # As for BatchNorm2d: with g = weight * dy, and means over the group,
        # dx = (g - mean(g) - x_normalized * mean(g * x_normalized)) * inverse_std.
        offset = self._per_channel(self._over_groups(db * self.weight.data)) / -self._count
        slope = self._per_channel(self._over_groups(dw * self.weight.data)) / -self._count
        slope *= self._inverse_std
        dx = self._centered * _tiled(slope * self._inverse_std, width)
        dx += lines * _tiled(self.weight.data * self._inverse_std, width)
        dx += _tiled(offset * self._inverse_std, width)
        return as_images(dx, dy.shape).astype(dy.dtype, copy=False)

    def _over_groups(self, values: Array) -> Array:
        """From a number for each channel (N, C) to the sum over each group (N, G)."""
        size = self.num_channels // self.num_groups
        return values.reshape(len(values), self.num_groups, size).sum(axis=2)

    def _per_channel(self, values: Array) -> Array:
        """From a number for each group (N, G) to one for each channel (N, C)."""
        return array_module(values).repeat(values, self.num_channels // self.num_groups, axis=1)


def _tiled(values: Array, width: int) -> Array:
    """(N, C) repeated along a line: (N, 1, W * C)."""
    return array_module(values).tile(values, width)[:, None]


def _sum(lines: Array, width: int) -> Array:
    """The sum (N, C) over rows and columns."""
    n, _, k = lines.shape
    return lines.sum(axis=1).reshape(n, width, k // width).sum(axis=1)


def _dot(a: Array, b: Array, width: int) -> Array:
    """The sum (N, C) over rows and columns of the product ``a * b``."""
    sums = array_module(a).einsum("nlk,nlk->nk", a, b)
    return sums.reshape(len(a), width, a.shape[2] // width).sum(axis=1)
