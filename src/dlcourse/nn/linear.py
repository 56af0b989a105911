"""The fully connected layer, and the flattening that leads to it."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.expect import whole_number
from dlcourse.nn import init
from dlcourse.nn.module import Module
from dlcourse.nn.parameter import Parameter
from dlcourse.workers import product, threads_for


class Linear(Module):
    """A fully connected layer: every output is a weighted sum of all inputs.

    ``y[n, o] = b[o] + sum over i of x[n, i] w[o, i]``; there may be more axes before the last.

    Parameters
    ----------
    in_features, out_features : int
        Numbers I and O of values in and out.
    bias : bool
        Whether a number is added to each output.
    rng : numpy.random.Generator
        Draws the initial weights (He et al. 2015, for ReLU); biases start at zero.

    Attributes
    ----------
    weight : Parameter of shape (O, I)
    bias : Parameter of shape (O,), or None

    Examples
    --------
    >>> linear = Linear(1024, 50, rng=np.random.default_rng(0))
    >>> linear(np.zeros((100, 1024), np.float32)).shape
    (100, 50)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.in_features = whole_number("in_features", in_features)
        self.out_features = whole_number("out_features", out_features)
        self.weight = Parameter(init.he_normal((out_features, in_features), rng))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def forward(self, x: Array) -> Array:
        if x.ndim < 2 or x.shape[-1] != self.in_features:
            single = "; a single row is x[None]" if x.ndim == 1 else ""
            raise ValueError(
                f"Linear({self.in_features}, {self.out_features}) expects "
                f"(N, {self.in_features}), found shape {x.shape}{single}"
            )
        self._x = x.reshape(-1, self.in_features)
        y = product(self._x, self.weight.data, threads_for(x))
        if self.bias is not None:
            y = y + self.bias.data
        return y.reshape(*x.shape[:-1], self.out_features)

    def backward(self, dy: Array) -> Array:
        rows, threads = dy.reshape(-1, self.out_features), threads_for(dy)
        self.weight.accumulate(lambda: product(rows.T, self._x.T, threads))
        if self.bias is not None:
            self.bias.accumulate(lambda: rows.sum(axis=0, dtype=sum_dtype(dy.dtype)))
        if not self.input_grad:
            return None
        dx = product(rows, self.weight.data.T, threads)
        return dx.reshape(*dy.shape[:-1], self.in_features)


class Flatten(Module):
    """All values of an image in one row: (N, C, H, W) to (N, C * H * W).

    Channels come first, then rows, then columns, whatever the order in memory, so that weights
    of a following `Linear` mean the same as in torch.

    Examples
    --------
    >>> Flatten()(np.zeros((100, 64, 4, 4), np.float32)).shape
    (100, 1024)
    """

    hints: ClassVar = Module.hints | {
        "start_dim=": "it joins all axes but the first, write Flatten()",
        "end_dim=": "it joins all axes but the first, write Flatten()",
    }

    def forward(self, x: Array) -> Array:
        self._x = x
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array) -> Array:
        # In the memory order of the input, since what comes next works on arrays in that order.
        dx = array_module(dy).empty_like(self._x, dtype=dy.dtype)
        dx[...] = dy.reshape(self._x.shape)
        return dx
