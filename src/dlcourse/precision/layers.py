"""Networks as plain lists of layers, to be rebuilt in other number formats."""

from __future__ import annotations

import copy

from dlcourse.backend import Array, array_module
from dlcourse.metrics import accuracy
from dlcourse.nn import Chain, Module, Sequential
from dlcourse.precision.formats import Format, carrier, round_to


class LayerList(Sequential):
    """Layers one after another, with what a classifier can do."""

    def predict(self, x: Array, batch_size: int = 100) -> Array:
        """Return the scores (N, classes) of the images `x` (N, C, H, W), with dropout off."""
        twin = self.for_inference()
        parts = [twin(x[i : i + batch_size]) for i in range(0, max(1, len(x)), batch_size)]
        return array_module(x).concatenate(parts)

    def accuracy(self, x: Array, t: Array, batch_size: int = 100) -> float:
        """Return the share of the images `x` whose highest score is that of the label `t`."""
        return accuracy(self.predict(x, batch_size), t)


class Round(Module):
    """Each value rounded to the nearest that a format has; forward only.

    Parameters
    ----------
    format : Format
        The format that the values are to fit.
    """

    def __init__(self, format: Format) -> None:
        super().__init__()
        self.format = format

    def forward(self, x: Array) -> Array:
        return round_to(x.astype(carrier(self.format), copy=False), self.format)


def flat_layers(model: Module) -> list[Module]:
    """Return the layers of nested chains in the order they run.

    Raises
    ------
    ValueError
        If a part of the network is joined in another way, as by branches or shortcuts.

    Examples
    --------
    >>> from dlcourse.nn import Flatten, ReLU
    >>> [type(layer).__name__ for layer in flat_layers(Sequential(Sequential(ReLU()), Flatten()))]
    ['ReLU', 'Flatten']
    """
    if isinstance(model, Chain):
        return [layer for part in model.children() for layer in flat_layers(part)]
    if any(model.named_children()):
        raise ValueError(
            f"expected layers one after another, found {type(model).__name__}, which joins its "
            "parts in another way; use a network like DeepConvNet or StackedConvNet"
        )
    return [model]


def in_format(model: Module, format: Format) -> LayerList:
    """Return a network whose weights, images and results of layers are all rounded to a format.

    Products and sums stay in float32, or in float64 for that format: this is how GPUs use float16,
    and how NumPy itself multiplies it, only slowly.

    Parameters
    ----------
    model : Module
        Layers one after another; left as it is.
    format : Format
        The format that values are stored in.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import Linear
    >>> from dlcourse.precision import BFLOAT16
    >>> linear = Linear(2, 1, rng=np.random.default_rng(0))
    >>> linear.weight.data[...] = 1.001
    >>> in_format(linear, BFLOAT16)(np.ones((1, 2), np.float32))
    array([[2.]], dtype=float32)
    """
    layers: list[Module] = [Round(format)]
    for layer in copy.deepcopy(flat_layers(model)):
        for value in layer.state_dict().values():
            if value.dtype.kind == "f":
                value[...] = round_to(value, format)
        layers += [layer.astype(carrier(format)), Round(format)]
    return LayerList(*layers).eval()
