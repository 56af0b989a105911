"""Layers in int8: products of whole numbers, summed in int32.

With ``x = sx (qx - zx)`` and ``w = sw qw``, a product of matrices is

    ``sum of x w = sx sw * sum of (qx - zx) qw``:

the sum is of whole numbers, and one factor for each output channel turns it into the next layer's
int8 values. Processors have instructions for it; NumPy has none. So the whole numbers are
multiplied as floating-point numbers by BLAS, which is exact as long as no sum can pass 2**24 in
float32 or 2**53 in float64. A layer knows its weights, so it knows the largest sum and chooses.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.nn import Conv2d, Linear, Module
from dlcourse.nn.kernels.convolution import conv2d
from dlcourse.nn.kernels.windows import Geometry
from dlcourse.precision.grid import Grid, quantize_weights
from dlcourse.workers import threads_for


class QuantizeInput(Module):
    """Images to int8.

    Parameters
    ----------
    output : Grid
        What the int8 values stand for.
    """

    def __init__(self, output: Grid) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Array) -> Array:
        return self.output.quantize(x)


class _Quantized(Module):
    """What convolutions and linear layers share: int8 weights, int32 biases, and grids."""

    input_kinds = "i"
    weight: Array
    bias: Array
    scale: Array

    def __init__(
        self, weight: Array, bias: Array, scale: Array, input: Grid, output: Grid | None
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.register_buffer("scale", scale)
        self.input = input
        self.output = output
        # 255 is the largest |q - zero_point|.
        sums = 255 * abs(weight.reshape(len(weight), -1).astype(np.int64)).sum(axis=1)
        self.largest_sum = int(sums.max())
        self._carrier = np.float32 if self.largest_sum < 2**24 else np.float64

    def _whole_numbers(self, q: Array) -> Array:
        """The input less its zero point, as floating-point numbers for BLAS."""
        x = q.astype(self._carrier)
        x -= self.input.zero_point
        return x

    def _rescale(self, sums: Array, width: int) -> Array:
        """Add the bias to sums of products, and return the output's int8, or real numbers.

        The sums are a matrix whose rows have `width` times the channels: NumPy runs along such
        lines several times faster than along the few channels of one pixel.
        """
        xp = array_module(sums)
        factor = self.scale * np.float32(self.input.scale)
        if self.output is not None:
            # Integer hardware has a multiplication by a fixed-point number and a shift here.
            factor /= np.float32(self.output.scale)
        y = sums.astype(np.int32)
        y += xp.tile(self.bias, width)
        y = xp.multiply(y, xp.tile(factor, width), dtype=np.float32)
        if self.output is None:
            return y
        xp.rint(y, out=y)
        y += self.output.zero_point
        return xp.clip(y, -128, 127, out=y).astype(np.int8)


def _parts(layer: Conv2d | Linear, input: Grid) -> tuple[Array, Array, Array]:
    """Return weights, biases and scales of a layer in whole numbers."""
    xp = array_module(layer.weight.data)
    bias = xp.zeros(len(layer.weight.data)) if layer.bias is None else layer.bias.data
    # Steps so fine that int32 could not hold the bias would be useless.
    weight, scale = quantize_weights(layer.weight.data, abs(bias) / (2.0**30 * input.scale))
    return weight, xp.rint(bias / (scale * np.float32(input.scale))).astype(np.int32), scale


class QuantizedConv2d(_Quantized):
    """A `Conv2d` on int8 values; forward only.

    A ReLU after it costs nothing: where the output's grid begins at zero, clipping is the ReLU.

    Parameters
    ----------
    weight : int8 array of shape (O, C / groups, KH, KW)
    bias : int32 array of shape (O,)
        In steps of ``input.scale * scale``, so that it is added to the sums.
    scale : float32 array of shape (O,)
        Those of the weights of each output channel.
    input : Grid
        The grid of the values that come in.
    output : Grid, optional
        The grid of those that go out; without one they are real numbers.
    geometry : Geometry
        The windows.
    groups : int
        As for `Conv2d`.

    Examples
    --------
    >>> conv = Conv2d(1, 2, 3, rng=np.random.default_rng(0))
    >>> x = np.random.default_rng(1).random((1, 1, 5, 5), dtype=np.float32)
    >>> grid = Grid.over(0.0, 1.0)
    >>> y = QuantizedConv2d.of(conv, grid)(grid.quantize(x))
    >>> bool(abs(y - conv(x)).max() < 0.02)
    True
    """

    def __init__(
        self,
        weight: Array,
        bias: Array,
        scale: Array,
        input: Grid,
        output: Grid | None,
        geometry: Geometry,
        groups: int = 1,
    ) -> None:
        super().__init__(weight, bias, scale, input, output)
        self.geometry = geometry
        self.groups = groups

    @classmethod
    def of(cls, conv: Conv2d, input: Grid, output: Grid | None = None) -> Self:
        """Return the int8 version of a convolution."""
        return cls(*_parts(conv, input), input, output, conv.geometry, conv.groups)

    def forward(self, q: Array) -> Array:
        x = self._whole_numbers(q)
        weight = self.weight.astype(self._carrier)
        threads = threads_for(x)
        y = conv2d(x, weight, None, self.geometry, self.groups, threads)
        n, o, oh, ow = y.shape
        lines = self._rescale(y.transpose(0, 2, 3, 1).reshape(n * oh, ow * o), ow)
        return lines.reshape(n, oh, ow, o).transpose(0, 3, 1, 2)


class QuantizedLinear(_Quantized):
    """A `Linear` on int8 values; forward only.

    Parameters
    ----------
    weight : int8 array of shape (O, I)
    bias, scale, input, output
        As for `QuantizedConv2d`.

    Examples
    --------
    >>> linear = Linear(4, 3, rng=np.random.default_rng(0))
    >>> x = np.random.default_rng(1).random((2, 4), dtype=np.float32)
    >>> grid = Grid.over(0.0, 1.0)
    >>> y = QuantizedLinear.of(linear, grid)(grid.quantize(x))
    >>> bool(abs(y - linear(x)).max() < 0.02)
    True
    """

    @classmethod
    def of(cls, linear: Linear, input: Grid, output: Grid | None = None) -> Self:
        """Return the int8 version of a linear layer."""
        return cls(*_parts(linear, input), input, output)

    def forward(self, q: Array) -> Array:
        x = self._whole_numbers(q)
        weight = self.weight.astype(self._carrier)
        return self._rescale(x @ weight.T, 1)


class QuantizedGlobalAvgPool(Module):
    """The mean of each channel of int8 values: summed in int32, and put onto its own grid.

    Parameters
    ----------
    input, output : Grid
        The grids of the values that come in and go out. Means span less than what is averaged.
    """

    input_kinds = "i"

    def __init__(self, input: Grid, output: Grid) -> None:
        super().__init__()
        self.input = input
        self.output = output

    def forward(self, q: Array) -> Array:
        count = q.shape[2] * q.shape[3]
        sums = q.sum(axis=(2, 3), dtype=np.int32) - count * self.input.zero_point
        return self.output.quantize(sums * np.float32(self.input.scale / count))
