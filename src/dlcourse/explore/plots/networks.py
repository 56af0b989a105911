"""A network: the shapes that an image passes through, and what its layers cost."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from dlcourse.explore.plots.theme import COLOURS, figure_style
from dlcourse.models import Summary

_LOOK = {
    "Conv2d": ("conv", COLOURS[0]),
    "MaxPool2d": ("pool", COLOURS[1]),
    "Linear": ("linear", COLOURS[2]),
}


def architecture(report: Summary, input_shape: tuple[int, int, int]) -> None:
    """Draw the shapes that an image passes through, true to scale.

    Convolutions and poolings are boxes: their height is the side of the output, their length the
    number of its channels. Vectors are bars.

    Parameters
    ----------
    report : Summary
        From `dlcourse.models.summary`.
    input_shape : (C, H, W)
        Shape of one image.
    """
    stages = [("input", "#888888", tuple(input_shape))]
    stages += [(*_LOOK[row.kind], row.output_shape) for row in report.rows if row.kind in _LOOK]
    floor = -input_shape[1] / 2 - 3
    with figure_style():
        _, axis = plt.subplots(figsize=(9, 2.8))
        x = 0.0
        for name, colour, shape in stages:
            size, channels = (shape[1], shape[0]) if len(shape) == 3 else (shape[0] ** 0.5, 1)
            length, slant = 0.2 * channels**0.9, 0.3 * size
            _box(axis, x, size, length, slant, colour)
            middle = x + (length + slant) / 2
            text = f"{name}\n{'x'.join(map(str, shape))}"
            axis.text(middle, floor, text, ha="center", va="top", fontsize=8.5)
            x += max(length + slant + 5, 18)
        axis.set_xlim(-7, x)
        axis.set_ylim(floor - 9, 25)
        axis.set_aspect("equal")
        axis.axis("off")
        plt.show()


def shares(report: Summary, level: int | None = None) -> None:
    """Draw each layer's share of the parameters and of the multiply-adds of a network.

    Parameters
    ----------
    report : Summary
        From `dlcourse.models.summary`. Layers without weights are left out.
    level : int, optional
        Add up the layers whose names agree in this many first parts, and name them by these:
        with 1, "features.0" and "features.3" are both "features". When left out, each layer
        stands alone and is named by its kind and number.
    """
    parameters: dict[str, int] = {}
    work: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for row in report.rows:
        if row.kind not in ("Conv2d", "Linear"):
            continue
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
        if level is None:
            name = f"{_LOOK[row.kind][0]} {kinds[row.kind]}"
        else:
            name = ".".join(row.name.split(".")[:level])
        parameters[name] = parameters.get(name, 0) + row.parameters
        work[name] = work.get(name, 0) + row.multiply_adds
    looks = [("parameters", parameters, "", -0.2), ("multiply-adds", work, "//", 0.2)]
    with figure_style():
        _, axis = plt.subplots(figsize=(8, 0.34 * len(parameters) + 0.9))
        for (label, values, hatch, offset), colour in zip(looks, COLOURS, strict=False):
            percent = 100 * np.array(list(values.values())) / sum(values.values())
            bars = axis.barh(
                np.arange(len(percent)) + offset,
                percent,
                height=0.38,
                color=colour,
                label=label,
                hatch=hatch,
                edgecolor="white",
            )
            axis.bar_label(bars, fmt="%.1f", padding=2, fontsize=7.5)
        axis.set(yticks=np.arange(len(parameters)), yticklabels=list(parameters))
        axis.set_xlabel("share in %")
        axis.set_ylim(len(parameters) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        axis.legend(loc="lower right")
        plt.show()


def _box(axis: Axes, x: float, size: float, length: float, slant: float, colour: str) -> None:
    """A box in oblique view: `length` along the page, `size` high, going back by `slant`."""
    low, high, right = -size / 2, size / 2, x + length
    faces = {
        0.95: [(x, low), (right, low), (right, high), (x, high)],
        0.45: [(x, high), (right, high), (right + slant, high + slant), (x + slant, high + slant)],
        0.65: [(right, low), (right + slant, low + slant), (right + slant, high + slant),
               (right, high)],
    }  # fmt: skip
    for alpha, corners in faces.items():
        axis.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white"))
