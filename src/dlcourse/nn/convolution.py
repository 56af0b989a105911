"""The layer `Conv2d`; its mathematics is in `dlcourse.nn.kernels.convolution`."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dlcourse import native
from dlcourse.backend import Array, elementwise
from dlcourse.expect import whole_number
from dlcourse.nn import init
from dlcourse.nn.finish import Finish
from dlcourse.nn.kernels.convolution import (
    channel_sum,
    conv2d,
    conv2d_gradients,
    conv2d_input_grad,
)
from dlcourse.nn.kernels.windows import Geometry, Pair, check_images, pair
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter
from dlcourse.workers import threads_for


class Conv2d(Module):
    """A 2-D convolution (as in all of deep learning, a cross-correlation).

    ``y[n, o, i, j] = b[o] + sum of x[n, c, i S + u D - P, j S + v D - P] w[o, c, u, v]``, where the
    sum runs over the channels c and the positions u, v in the window.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels C of the input and O of the output.
    kernel_size : int or (int, int)
        Height and width K of the window.
    stride : int or (int, int)
        Steps S between windows.
    padding : int, (int, int), "same" or "valid"
        Border P of zeros; "same" keeps the size of the image, "valid" is 0.
    dilation : int or (int, int)
        Steps D between the positions inside a window.
    groups : int
        Channels are split into this many groups that do not see each other; one group per channel
        makes a depthwise convolution.
    bias : bool
        Whether a number is added to each output channel.
    rng : numpy.random.Generator
        Draws the initial weights (He et al. 2015, for ReLU); biases start at zero.

    Attributes
    ----------
    weight : Parameter of shape (O, C / groups, KH, KW)
    bias : Parameter of shape (O,), or None

    Examples
    --------
    >>> conv = Conv2d(1, 16, kernel_size=3, padding=1, rng=np.random.default_rng(0))
    >>> conv(np.zeros((100, 1, 28, 28), np.float32)).shape
    (100, 16, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair | Literal["same", "valid"] = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        in_channels = whole_number("in_channels", in_channels)
        out_channels = whole_number("out_channels", out_channels)
        if (
            not isinstance(groups, int | np.integer)
            or groups < 1
            or in_channels % groups
            or out_channels % groups
        ):
            raise ValueError(
                "groups must be a whole number of at least 1 that divides in_channels and "
                f"out_channels, found {groups!r} for {in_channels} and {out_channels}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.groups = groups
        self.kernel_size = pair(kernel_size, "kernel_size", least=1)
        self.stride = pair(stride, "stride", least=1)
        self.dilation = pair(dilation, "dilation", least=1)
        if padding == "same":
            padding = _same(self.kernel_size, self.stride, self.dilation)
        self.padding = pair(0 if padding == "valid" else padding, "padding")
        self.geometry = Geometry(self.kernel_size, self.stride, self.padding, self.dilation)
        shape = (out_channels, in_channels // groups, *self.geometry.kernel)
        self.weight = Parameter(init.he_normal(shape, rng))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def forward(self, x: Array, *, finish: Finish | None = None) -> Array:
        """Return the outputs (N, O, OH, OW).

        Parameters
        ----------
        x : array of shape (N, C, H, W)
            The images.
        finish : Finish, optional
            What is to be done for layers behind this one, see `dlcourse.nn.chained`. The kernels in
            C have to suit `x` and the weights.
        """
        check_images("Conv2d", x, self.in_channels)
        self._x = x
        bias = None if self.bias is None else self.bias.data
        given = x, self.weight.data, bias, self.geometry, self.groups
        if finish is None:
            return conv2d(*given, threads_for(x))
        finish.source = lambda: conv2d(*given, threads_for(x))
        scale, shift = finish.factors() if finish.factors else (None, None)
        y, finish.kept = native.conv_norm_relu(
            *given,
            scale=scale,
            shift=shift,
            plus=finish.plus,
            relu=finish.relu,
            relu6=finish.relu6,
            keep=finish.keep,
            pool=finish.pool,
            threads=threads_for(x),
        )
        return y

    def backward(self, dy: Array, *, plus: Array | None = None) -> Array:
        """Return the gradient of the input; `plus` is added to it, in the same pass if possible."""
        weight, threads = self.weight.data, threads_for(dy)
        given = self._x, dy, weight, self.geometry, self.groups
        if self.weight.requires_grad:
            bias = self.bias is not None and self.bias.requires_grad
            dw, db, dx = conv2d_gradients(
                *given,
                bias=bias,
                input_grad=self.input_grad,
                plus=plus,
                threads=threads,
            )
            self.weight.accumulate(dw)
            if self.bias is not None and db is not None:
                self.bias.accumulate(db)
            return dx
        if self.bias is not None:
            self.bias.accumulate(lambda: channel_sum(dy, threads))
        if not self.input_grad:
            return None
        shape = self._x.shape
        dx = conv2d_input_grad(dy, weight, shape, self.geometry, self.groups, threads)
        return dx if plus is None else elementwise("add", dx, plus)


def _same(
    kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int]:
    """Return the padding that gives the output the size of the image."""
    around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if stride != (1, 1) or any(a % 2 for a in around):
        raise ValueError(
            'padding="same" expects a stride of 1 and a border that is alike on both sides, found '
            f"stride {stride} and a window of {kernel}: write the padding as a number"
        )
    return around[0] // 2, around[1] // 2
