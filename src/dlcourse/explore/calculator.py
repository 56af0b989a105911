"""An explorer of a stack of layers: what it costs, and how far it sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcourse.explore.lib.widget import Explorer, pack
from dlcourse.nn import Conv2d, MaxPool2d, ReLU, Sequential


def calculator(image: np.ndarray, networks: Mapping[str, Sequential]) -> Explorer:
    """Build a stack of layers and read off what it costs and how far it sees.

    Parameters
    ----------
    image : array of shape (C, S, S)
        Its size is that of the input; its first channel is shown.
    networks : mapping from str to Sequential
        What the reader can start from, by name. Their square convolutions and max poolings are
        taken over, and ReLU is left out.

    Raises
    ------
    ValueError
        If the image is not square, or a layer is one that the calculator does not know.

    Examples
    --------
    >>> net = Sequential(Conv2d(1, 8, 3, rng=np.random.default_rng(0)), ReLU(), MaxPool2d(2))
    >>> explorer = calculator(np.zeros((1, 28, 28), np.float32), {"small": net})
    >>> [layer["kind"] for layer in explorer.data["networks"]["small"]]
    ['convolution', 'pooling']
    """
    if image.ndim != 3 or image.shape[1] != image.shape[2]:
        raise ValueError(f"image must have shape (C, S, S), found {image.shape}")
    data = {
        "image": pack(image[:1]),
        "channels": len(image),
        "networks": {name: _layers(network) for name, network in networks.items()},
    }
    return Explorer("calculator", "Explorer: parameters and receptive field", data)


def _layers(network: Sequential) -> list[dict[str, Any]]:
    """Return the layers of a network as js/arithmetic.js takes them."""
    layers: list[dict[str, Any]] = []
    for module in network:
        if isinstance(module, Conv2d):
            g = module.geometry
            sides = dict(kernel=g.kernel, stride=g.stride, padding=g.padding, dilation=g.dilation)
            layer: dict[str, Any] = {"kind": "convolution", "channels": len(module.weight.data)}
        elif isinstance(module, MaxPool2d) and module.padding == (0, 0):
            sides = dict(kernel=module.kernel_size, stride=module.stride)
            layer = {"kind": "pooling"}
        elif isinstance(module, ReLU):
            continue
        else:
            raise ValueError(
                "the calculator knows Conv2d, MaxPool2d without padding, and ReLU; "
                f"found {type(module).__name__}"
            )
        for name, (height, width) in sides.items():
            if height != width:
                raise ValueError(f"the calculator knows square windows; found {name} {sides[name]}")
            layer[name] = height
        layers.append(layer)
    return layers
