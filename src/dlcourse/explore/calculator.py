"""An explorer of a stack of layers: what it costs, and how far it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcourse.explore.lib.widget import Explorer, Packed, pack
from dlcourse.nn import Conv2d, MaxPool2d, ReLU, Sequential


@dataclass(frozen=True)
class _Convolution:
    """A convolution with square windows."""

    kind: Literal["convolution"]
    channels: int
    kernel: int
    stride: int
    padding: int
    dilation: int


@dataclass(frozen=True)
class _Pooling:
    """A max pooling with square windows."""

    kind: Literal["pooling"]
    kernel: int
    stride: int


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    image: Packed
    channels: int
    networks: dict[str, list[_Convolution | _Pooling]]


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
    data = _Data(
        image=pack(image[:1]),
        channels=len(image),
        networks={name: _layers(network) for name, network in networks.items()},
    )
    return Explorer("calculator", "Explorer: parameters and receptive field", data)


def _layers(network: Sequential) -> list[_Convolution | _Pooling]:
    """Return the layers of a network as js/lib/arithmetic.js takes them."""
    layers: list[_Convolution | _Pooling] = []
    for module in network:
        if isinstance(module, Conv2d):
            g = module.geometry
            sides = _sides(kernel=g.kernel, stride=g.stride, padding=g.padding, dilation=g.dilation)
            layers.append(_Convolution("convolution", len(module.weight.data), **sides))
        elif isinstance(module, MaxPool2d) and module.padding == (0, 0):
            sides = _sides(kernel=module.kernel_size, stride=module.stride)
            layers.append(_Pooling("pooling", **sides))
        elif not isinstance(module, ReLU):
            raise ValueError(
                "the calculator knows Conv2d, MaxPool2d without padding, and ReLU; "
                f"found {type(module).__name__}"
            )
    return layers


def _sides(**sizes: tuple[int, int]) -> dict[str, int]:
    """Check that sizes are square, and return their sides."""
    for name, (height, width) in sizes.items():
        if height != width:
            raise ValueError(f"the calculator knows square windows; found {name} {sizes[name]}")
    return {name: height for name, (height, _) in sizes.items()}
