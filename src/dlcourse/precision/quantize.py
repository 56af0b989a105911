"""Post-training quantization: a trained network in int8, without training it again."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from dlcourse.backend import Array, array_module
from dlcourse.nn import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Module,
    Parameter,
    ReLU,
)
from dlcourse.precision.grid import Grid
from dlcourse.precision.layers import flat_layers
from dlcourse.precision.quantized import (
    QuantizedConv2d,
    QuantizedGlobalAvgPool,
    QuantizedLinear,
    QuantizeInput,
)
from dlcourse.precision.quantized_network import QuantizedNetwork


def fold_batch_norm(layers: Sequence[Module]) -> list[Module]:
    """Return layers in which convolutions have taken over the batch normalization after them.

    Outside training it multiplies each channel by a number and adds one; so can the weights and the
    bias (Jacob et al. 2018, section 3.2). Changed layers are copies.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> layers = [Conv2d(1, 2, 3, rng=rng), BatchNorm2d(2), ReLU()]
    >>> [type(layer).__name__ for layer in fold_batch_norm(layers)]
    ['Conv2d', 'ReLU']
    """
    folded: list[Module] = []
    for layer in layers:
        if isinstance(layer, BatchNorm2d) and folded and isinstance(folded[-1], Conv2d):
            conv = copy.deepcopy(folded[-1])
            xp = array_module(layer.running_var)
            factor = layer.weight.data / xp.sqrt(layer.running_var + layer.eps)
            before = 0 if conv.bias is None else conv.bias.data
            conv.weight.data = conv.weight.data * factor[:, None, None, None]
            conv.bias = Parameter(layer.bias.data + (before - layer.running_mean) * factor)
            folded[-1] = conv
        else:
            folded.append(layer)
    return folded


def quantize(model: Module, images: Array, percentile: float = 100.0) -> QuantizedNetwork:
    """Return a trained network in int8: weights, images, and what goes from layer to layer.

    Weights are rounded with a scale for each output channel. For the results of layers, images are
    run through the network and the ranges noted: that is the *calibration*. Scores come out as real
    numbers.

    Parameters
    ----------
    model : Module
        `Conv2d`, `BatchNorm2d`, `Linear`, each with or without `ReLU`, `MaxPool2d`,
        `GlobalAvgPool`, `Flatten` and `Dropout`, one after another, a `Linear` last. It is left
        as it is.
    images : array of shape (N, C, H, W)
        For calibration; a few hundred, from the training set.
    percentile : float
        How much of the values the grids span; see `Grid.calibrated`.

    Raises
    ------
    ValueError
        If the network has other layers, or there are no images.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.models import DeepConvNet
    >>> rng = np.random.default_rng(0)
    >>> net, images = DeepConvNet(rng=rng), rng.random((8, 1, 28, 28), dtype=np.float32)
    >>> small = quantize(net, images)
    >>> small.nbytes, sum(p.data.nbytes for p in net.parameters())
    (125540, 494208)
    >>> error = abs(small.predict(images) - net.predict(images)).max()
    >>> bool(error < 0.05 * abs(net.predict(images)).max())
    True
    """
    if len(images) == 0:
        raise ValueError("expected images to calibrate with, found none")
    layers = fold_batch_norm(flat_layers(copy.deepcopy(model).eval()))
    layers = [layer for layer in layers if not isinstance(layer, Dropout)]
    if not layers or not isinstance(layers[-1], Linear):
        raise ValueError("expected a network whose last layer is a Linear, which gives the scores")
    x = images
    grid = Grid.calibrated(x, percentile)
    done: list[Module] = [QuantizeInput(grid)]
    for i, layer in enumerate(layers):
        x = layer(x)
        if isinstance(layer, Conv2d | Linear):
            last = i == len(layers) - 1
            if not last and isinstance(layers[i + 1], ReLU):
                x = layers[i + 1](x)
            after = None if last else Grid.calibrated(x, percentile)
            kind = QuantizedConv2d if isinstance(layer, Conv2d) else QuantizedLinear
            done.append(kind.of(layer, grid, after))  # type: ignore[arg-type]
            grid = after or grid
        elif isinstance(layer, GlobalAvgPool):
            after = Grid.calibrated(x, percentile)
            done.append(QuantizedGlobalAvgPool(grid, after))
            grid = after
        elif isinstance(layer, ReLU) and i and isinstance(layers[i - 1], Conv2d | Linear):
            pass  # in the layer before
        elif isinstance(layer, Flatten) or _plain_pooling(layer):
            done.append(layer)  # moves values or picks the largest: the grid stays
        else:
            raise ValueError(
                f"{type(layer).__name__} as layer {i + 1} cannot be quantized; expected Conv2d, "
                "BatchNorm2d after it, Linear, ReLU after either, MaxPool2d without padding, "
                "GlobalAvgPool, Flatten or Dropout"
            )
    return QuantizedNetwork(*done).eval()


def _plain_pooling(layer: Module) -> bool:
    return isinstance(layer, MaxPool2d) and layer.padding == (0, 0) and not layer.ceil_mode
