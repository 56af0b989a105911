"""The fully connected layer, and the flattening that leads to it."""

from __future__ import annotations

import math

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.nn import init
from dlcourse.nn.module import Module, Parameter
from dlcourse.nn.threads import product, threads_for


class Linear(Module):
    """A fully connected layer: every output is a weighted sum of all inputs.

    ``y[n, o] = b[o] + sum over i of x[n, i] w[o, i]``

    Parameters
    ----------
    in_features, out_features : int
        Numbers of values I in and O out.
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
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(init.he_normal((out_features, in_features), rng))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def forward(self, x: Array) -> Array:
        if x.ndim != 2 or x.shape[1] != self.in_features:
            raise ValueError(
                f"Linear({self.in_features}, {self.out_features}) expects "
                f"(N, {self.in_features}), found shape {x.shape}"
            )
        self._x = x
        y = product(x, self.weight.data, threads_for(x))
        return y if self.bias is None else y + self.bias.data

    def backward(self, dy: Array) -> Array:
        threads = threads_for(dy)
        self.weight.accumulate(product(dy.T, self._x.T, threads))
        if self.bias is not None:
            self.bias.accumulate(dy.sum(axis=0, dtype=sum_dtype(dy.dtype)))
        return product(dy, self.weight.data.T, threads) if self.input_grad else None


class Flatten(Module):
    """All values of an image in one row: (N, C, H, W) to (N, C * H * W).

    Channels come first, then rows, then columns, whatever the order in memory, so that weights
    of a following `Linear` mean the same as in torch.

    Examples
    --------
    >>> Flatten()(np.zeros((100, 64, 4, 4), np.float32)).shape
    (100, 1024)
    """

    def forward(self, x: Array) -> Array:
        self._x = x
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array) -> Array:
        # In the memory order of the input: what comes next runs over arrays of that order.
        dx = array_module(dy).empty_like(self._x, dtype=dy.dtype)
        dx[...] = dy.reshape(self._x.shape)
        return dx
