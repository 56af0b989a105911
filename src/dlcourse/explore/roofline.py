"""An explorer of a layer under the roofline of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer
from dlcourse.kernels import output_size
from dlcourse.machine import Machine

#: Where the sliders of the explorer stop.
STEPS: dict[str, list[int]] = {
    "batch": [2**i for i in range(9)],
    "inside": [1, 3, 16, 32, 64, 128, 192, 256, 384, 512, 1024, 2048, 4096, 9216],
    "outside": [1, 10, 16, 32, 64, 128, 192, 256, 384, 512, 1000, 2048, 4096],
    "size": [1, 4, 7, 8, 13, 14, 16, 27, 28, 56, 112, 224],
    "kernel": [1, 3, 5, 7, 11],
    "stride": [1, 2, 4],
}


@dataclass(frozen=True)
class Layer:
    """A convolution on square images; a linear layer is one with a kernel of 1 on one pixel.

    Attributes
    ----------
    batch : int
        Images in the batch.
    inside, outside : int
        Channels of input and output.
    size : int
        Side of the input.
    kernel, stride, padding : int
        The windows.
    """

    batch: int
    inside: int
    outside: int
    size: int = 1
    kernel: int = 1
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    machine: Machine
    layers: dict[str, Layer]
    steps: dict[str, list[int]]  #: where each slider stops


def roofline(machine: Machine, layers: Mapping[str, Layer]) -> Explorer:
    """Change a layer, and see where it lies under the roofline of a machine.

    Parameters
    ----------
    machine : Machine
        The two limits.
    layers : mapping from str to Layer
        What the reader can start from, by name.

    Raises
    ------
    ValueError
        If there is no layer, or one has a value that the sliders cannot take.

    Examples
    --------
    >>> machine = Machine(1, "float32", 40e9, 10e9)
    >>> explorer = roofline(machine, {"hidden layer": Layer(1, 1024, 10)})
    >>> explorer.data["layers"]["hidden layer"]["kernel"]
    1
    """
    if not layers:
        raise ValueError("expected at least one layer, found none")
    for name, layer in layers.items():
        for key, steps in STEPS.items():
            if getattr(layer, key) not in steps:
                raise ValueError(
                    f"{key} of {name!r} must be one of {', '.join(map(str, steps))}, "
                    f"found {getattr(layer, key)}"
                )
        side, kernel, stride, padding = layer.size, layer.kernel, layer.stride, layer.padding
        output_size((side, side), (kernel, kernel), (stride, stride), (padding, padding))
    data = _Data(machine, dict(layers), STEPS)
    return Explorer("roofline", "Explorer: a layer under the roofline", data)
