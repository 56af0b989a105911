"""An explorer of feature maps: what each convolution of a network makes of some images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.backend import to_numpy
from dlcourse.explore.lib.widget import Explorer, Packed, pack, squares
from dlcourse.models import summary
from dlcourse.nn import ReLU, Sequential


@dataclass(frozen=True)
class _Layer:
    """A layer, and what it makes of the images."""

    name: str
    field: str  #: of pixels that a value sees
    maps: Packed  #: (images, channels, height, width)


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    names: list[str]
    layers: list[_Layer]


def feature_maps(features: Sequential, images: np.ndarray, names: Sequence[str]) -> Explorer:
    """Look at what each convolution of a network makes of some images, after the ReLU.

    Parameters
    ----------
    features : Sequential
        Convolutions, ReLU, poolings. Every ReLU is shown.
    images : array of shape (N, 1, S, S)
        Values from 0 to 1. Four digits come to 260 kB for DeepConvNet.
    names : sequence of N str
        What each image is called.

    Raises
    ------
    ValueError
        If a shape is wrong, or there is no ReLU.

    Examples
    --------
    >>> from dlcourse.models import DeepConvNet
    >>> net = DeepConvNet(rng=np.random.default_rng(0))
    >>> explorer = feature_maps(net.features, np.zeros((1, 1, 28, 28), np.float32), ["0"])
    >>> [layer["maps"]["shape"][1] for layer in explorer.data["layers"]]
    [16, 16, 32, 32, 64, 64]
    """
    grey = squares(images, names)
    report = summary(features, images.shape[1:])
    layers: list[_Layer] = []
    x = images
    for layer, row in zip(features, report.rows, strict=True):
        x = layer(x)
        if isinstance(layer, ReLU):
            maps = to_numpy(x)
            layers.append(
                _Layer(
                    name=f"convolution {len(layers) + 1}",
                    field=str(row.field).replace("x", " x "),
                    maps=pack(maps, high=float(maps.max())),
                )
            )
    if not layers:
        raise ValueError("features must have a ReLU after each convolution, found none")
    data = _Data(images=pack(grey), names=list(names), layers=layers)
    return Explorer("feature_maps", "Explorer: feature maps, layer by layer", data)
