"""The transposed convolution, which enlarges: a convolution's way back, used as a way forward."""

from __future__ import annotations

import math

import numpy as np

from dlcourse.backend import Array
from dlcourse.expect import whole_number
from dlcourse.nn import init
from dlcourse.nn.kernels.convolution import (
    channel_sum,
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
)
from dlcourse.nn.kernels.windows import Geometry, Pair, check_images, pair
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter
from dlcourse.workers import threads_for


class ConvTranspose2d(Module):
    """Every input value spreads a kernel over the output, and where they overlap they add up.

    ``y[n, o, i S + u - P, j S + v - P] += x[n, c, i, j] w[c, o, u, v]`` for all channels c and all
    positions u, v in the window; then a bias is added. That is what a `Conv2d` with the same
    numbers does to a gradient on the way back, and this layer's backward pass is that `Conv2d`'s
    forward pass (Dumoulin and Visin 2016, section 4). An image of H rows becomes one of
    ``(H - 1) S - 2 P + K + output_padding``.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels C of the input and O of the output.
    kernel_size : int or (int, int)
        Height and width K of the window.
    stride : int or (int, int)
        Steps S between the windows on the output: how many times larger the image becomes.
    padding : int or (int, int)
        Rows and columns P that are cut off at each side.
    output_padding : int or (int, int)
        Rows and columns added at the bottom and right, fewer than the stride. A convolution of
        stride 2 makes 4 from 7 and from 8; this says which of the two to return to.
    bias : bool
        Whether a number is added to each output channel.
    rng : numpy.random.Generator
        Draws the initial weights (He et al. 2015): about ``C K K / (S S)`` values feed an output.

    Attributes
    ----------
    weight : Parameter of shape (C, O, KH, KW)
    bias : Parameter of shape (O,), or None

    Raises
    ------
    ValueError
        If `output_padding` is not smaller than the stride.

    Examples
    --------
    >>> up = ConvTranspose2d(16, 3, 4, stride=2, padding=1, rng=np.random.default_rng(0))
    >>> up(np.zeros((10, 16, 14, 14), np.float32)).shape
    (10, 3, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        *,
        bias: bool = True,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.in_channels = whole_number("in_channels", in_channels)
        self.out_channels = whole_number("out_channels", out_channels)
        self.kernel_size = pair(kernel_size, "kernel_size", least=1)
        self.stride = pair(stride, "stride", least=1)
        self.padding = pair(padding, "padding")
        # That of the convolution that this one reverses.
        self.geometry = Geometry(self.kernel_size, self.stride, self.padding)
        self.output_padding = pair(output_padding, "output_padding")
        if any(p >= s for p, s in zip(self.output_padding, self.geometry.stride, strict=True)):
            raise ValueError(
                f"output_padding must be smaller than the stride {self.geometry.stride}, "
                f"found {self.output_padding}"
            )
        weight = init.he_normal((out_channels, in_channels, *self.geometry.kernel), rng)
        weight *= math.sqrt(math.prod(self.geometry.stride))
        self.weight = Parameter(np.ascontiguousarray(weight.swapaxes(0, 1)))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def forward(self, x: Array) -> Array:
        check_images("ConvTranspose2d", x, self.in_channels)
        self._x = x
        size = (len(x), self.out_channels, *self._output_size(x.shape[2:]))
        bias = None if self.bias is None else self.bias.data
        return conv2d_input_grad(
            x, self.weight.data, size, self.geometry, threads=threads_for(x), bias=bias
        )

    def backward(self, dy: Array) -> Array:
        weight, threads = self.weight.data, threads_for(dy)
        self.weight.accumulate(
            lambda: conv2d_weight_grad(dy, self._x, weight.shape, self.geometry, threads=threads)
        )
        if self.bias is not None:
            self.bias.accumulate(lambda: channel_sum(dy, threads))
        if not self.input_grad:
            return None
        return conv2d(dy, weight, None, self.geometry, threads=threads)

    def _output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        kernel, stride, padding = self.geometry.kernel, self.geometry.stride, self.geometry.padding
        height, width = (
            (size[i] - 1) * stride[i] - 2 * padding[i] + kernel[i] + self.output_padding[i]
            for i in (0, 1)
        )
        if height < 1 or width < 1:
            raise ValueError(
                f"ConvTranspose2d would cut all of an image of {size[0]}x{size[1]} off; "
                f"expected less padding than {padding}, or a larger image"
            )
        return height, width
