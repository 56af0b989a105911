"""Layers under the roofline of a machine: a plot of measured ones, and an explorer of any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import matplotlib.pyplot as plt
import numpy as np

from dlcourse.explore.theme import COLOURS, figure_style
from dlcourse.explore.widget import Explorer
from dlcourse.kernels import output_size
from dlcourse.machine import Machine
from dlcourse.training import Cost

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
    data = {
        "machine": {
            "threads": machine.threads,
            "dtype": machine.dtype,
            "multiply_adds": machine.multiply_adds,
            "bandwidth": machine.bandwidth,
        },
        "layers": {name: asdict(layer) for name, layer in layers.items()},
        "steps": STEPS,
    }
    return Explorer("roofline", "Explorer: a layer under the roofline", data)


def plot_roofline(machine: Machine, costs: Mapping[str, Sequence[Cost]]) -> None:
    """Draw measured layers under the roofline of a machine; those without products are left out.

    Parameters
    ----------
    machine : Machine
        The two limits.
    costs : mapping from str to sequence of Cost
        From the name of a kind of layer to what its layers take.

    Raises
    ------
    ValueError
        If no layer has multiply-adds.
    """
    points = {
        kind: [(c.intensity, c.rate / 1e9) for c in group if c.multiply_adds]
        for kind, group in costs.items()
    }
    points = {kind: group for kind, group in points.items() if group}
    if not points:
        raise ValueError("expected at least one layer with multiply-adds, found none")
    known = [x for group in points.values() for x, _ in group]
    x = np.geomspace(min(*known, machine.ridge) / 3, max(*known, machine.ridge) * 3, 200)
    with figure_style():
        _, axis = plt.subplots(figsize=(8, 3.8))
        axis.plot(x, [machine.roof(v) / 1e9 for v in x], color="0.2", linestyle="-", label="roof")
        axis.axvline(machine.ridge, color="0.4", linestyle=":", linewidth=1)
        for (kind, group), colour, marker in zip(points.items(), COLOURS, "os^Dvx", strict=False):
            axis.plot(*zip(*group, strict=True), marker, color=colour, label=kind, alpha=0.8)
        axis.set(xscale="log", yscale="log")
        axis.set(xlabel="multiply-adds for each byte", ylabel="billion multiply-adds a second")
        axis.legend(loc="lower right")
        plt.show()
