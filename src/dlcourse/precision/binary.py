"""Binary weights: a sign each, and one scale for each output channel."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager

from dlcourse.backend import Array, array_module
from dlcourse.nn import Conv2d, Linear, Module
from dlcourse.precision.layers import LayerList, flat_layers


def binarize(weight: Array) -> tuple[Array, Array]:
    """Return the signs of weights, and the mean of their sizes for each output channel.

    Among all ``scale[o] * sign`` these are nearest to the weights in the least-squares sense
    (Rastegari et al. 2016, section 3.1). The sign of zero is taken as +1.

    Parameters
    ----------
    weight : array of shape (O, ...)
        Those of a convolution or a linear layer.

    Returns
    -------
    array of shape (O, ...), array of shape (O,)
        In the dtype of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> binarize(np.array([[0.5, -1.0, 0.0]]))
    (array([[ 1., -1.,  1.]]), array([0.5]))
    """
    xp = array_module(weight)
    signs = xp.where(weight < 0, -1, 1).astype(weight.dtype)
    return signs, abs(weight.reshape(len(weight), -1)).mean(axis=1)


class BinaryWeights(Module):
    """A layer that computes with ``scale * sign`` of its weights, and learns the real weights.

    The sign has slope zero nearly everywhere, so gradient descent could not move it. The
    *straight-through estimator* (Bengio et al. 2013; BinaryConnect, Courbariaux et al. 2015) hands
    the gradient with respect to the binary weight to the real weight, as if it were the identity.
    The real weights add up small steps until one changes its sign. Only training needs them.

    Parameters
    ----------
    layer : Conv2d or Linear
        Its parameters are those of this layer.

    Examples
    --------
    >>> import numpy as np
    >>> linear = Linear(2, 1, bias=False, rng=np.random.default_rng(0))
    >>> linear.weight.data[...] = [[0.25, -0.75]]
    >>> binary = BinaryWeights(linear)
    >>> binary(np.array([[1.0, 2.0]], np.float32))  # 0.5 * (1 - 2)
    array([[-0.5]], dtype=float32)
    """

    def __init__(self, layer: Conv2d | Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Array) -> Array:
        with self._binary():
            return self.layer(x)

    def backward(self, dy: Array) -> Array:
        with self._binary():
            return self.layer.backward(dy)

    def entrance(self) -> Module:
        return self.layer

    @contextmanager
    def _binary(self) -> Iterator[None]:
        """Put the binary weights in place of the real ones for the duration."""
        weight = self.layer.weight
        real = weight.data
        signs, scale = binarize(real)
        weight.data = signs * scale.reshape(-1, *[1] * (real.ndim - 1))
        try:
            yield
        finally:
            weight.data = real


def with_binary_weights(model: Module) -> LayerList:
    """Return a copy of a network with binary weights in all layers but the first and the last.

    Those two have few weights and much influence, and stay as they are (Rastegari et al. 2016).

    Parameters
    ----------
    model : Module
        Layers one after another.

    Raises
    ------
    ValueError
        If there are fewer than three convolutions and linear layers.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.models import DeepConvNet
    >>> network = with_binary_weights(DeepConvNet(rng=np.random.default_rng(0)))
    >>> sum(isinstance(layer, BinaryWeights) for layer in network)
    6
    >>> weight_bytes(network)
    20072
    """
    layers = copy.deepcopy(flat_layers(model))
    weighted = [i for i, layer in enumerate(layers) if isinstance(layer, Conv2d | Linear)]
    if len(weighted) < 3:
        raise ValueError(
            "the first and the last layer keep their weights, so expected at least three "
            f"convolutions and linear layers, found {len(weighted)}"
        )
    for i in weighted[1:-1]:
        layers[i] = BinaryWeights(layers[i])  # type: ignore[arg-type]
    return LayerList(*layers)


def weight_bytes(model: Module) -> int:
    """Return the bytes that the state of a network takes to store.

    A binary weight takes a bit, with a float32 for the scale of each channel; everything else takes
    what its array takes.
    """
    total = sum(int(array.nbytes) for array in model.state_dict().values())
    for _, module in model.named_modules():
        if isinstance(module, BinaryWeights):
            weight = module.layer.weight.data
            total += math.ceil(weight.size / 8) + 4 * len(weight) - weight.nbytes
    return total
