"""Plots that several pages use. Each draws with pyplot, so a notebook shows it by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from dlcourse.explore.style import COLOURS, figure_style
from dlcourse.models import Summary
from dlcourse.training import History


def image_grid(
    images: np.ndarray, titles: Sequence[object] | np.ndarray | None = None, columns: int = 6
) -> None:
    """Show grey images side by side.

    Parameters
    ----------
    images : array of shape (N, 1, H, W)
        All drawn on one common scale, from the lowest value to the highest.
    titles : sequence of N, optional
        A line above each image.
    columns : int
        Images a row.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must have shape (N, 1, H, W), found {images.shape}")
    rows = math.ceil(len(images) / columns)
    with figure_style():
        side = 8 / columns
        height = rows * (side + (0.25 if titles is not None else 0.05))
        _, axes = plt.subplots(rows, columns, figsize=(8, height), squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
        for i, image in enumerate(images):
            axis = axes.flat[i]
            axis.imshow(image[0], vmin=images.min(), vmax=images.max())
            if titles is not None:
                axis.set_title(str(titles[i]), fontsize=9)
        plt.show()


def curves(history: History) -> None:
    """Draw the loss of every step, and the accuracy of every epoch."""
    epochs = [epoch.epoch for epoch in history.epochs]
    with figure_style():
        _, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
        left.plot(np.arange(1, len(history.step_loss) + 1), history.step_loss, linewidth=0.8)
        left.set(xlabel="step", ylabel="loss", ylim=(0, None), title="Loss of each step")
        right.plot(epochs, [100 * e.train_accuracy for e in history.epochs], "o-", label="training")
        valid = [e.valid_accuracy for e in history.epochs]
        if None not in valid:
            right.plot(epochs, 100 * np.array(valid, float), "s--", label="held out")
        right.set(xlabel="epoch", ylabel="accuracy in %", title="Accuracy of each epoch")
        right.set_xticks(epochs)
        right.legend()
        plt.show()


def architecture(report: Summary) -> None:
    """Draw the shapes that an image passes through, as boxes true to scale.

    Convolutions and poolings are boxes as high as their output's side and as deep as it has
    channels; vectors are bars.
    """
    with figure_style():
        _, axis = plt.subplots(figsize=(9, 3.2))
        x = 0.0
        for row in report.rows:
            if row.kind not in _COLOUR_OF:
                continue
            shape = row.output_shape
            size, depth = (shape[-1], shape[0]) if len(shape) == 3 else (12.0, shape[0] / 4)
            _box(axis, x, size, 0.35 * depth**0.8, _COLOUR_OF[row.kind])
            label = "x".join(map(str, shape))
            axis.text(x + 3, -size / 2 - 3, label, ha="center", va="top", fontsize=7, rotation=40)
            x += 12
        for kind, colour in _COLOUR_OF.items():
            axis.plot([], [], "s", color=colour, label=_NAME_OF[kind])
        axis.legend(loc="upper right", frameon=False)
        axis.set_xlim(-4, x + 4)
        axis.set_ylim(-32, 24)
        axis.set_aspect("equal")
        axis.axis("off")
        plt.show()


_COLOUR_OF = {"Conv2d": COLOURS[0], "MaxPool2d": COLOURS[1], "Linear": COLOURS[2]}
_NAME_OF = {"Conv2d": "convolution", "MaxPool2d": "2x2 max pooling", "Linear": "fully connected"}


def _box(axis: Axes, x: float, size: float, depth: float, colour: str) -> None:
    """A box in oblique view: front of height `size`, going `depth` to the right."""
    slant = size * 0.15
    low, high = -size / 2, size / 2
    faces = [
        ([(x, low), (x + slant, low + slant), (x + slant, high + slant), (x, high)], 1.0),
        ([(x + slant, low + slant), (x + slant + depth, low + slant),
          (x + slant + depth, high + slant), (x + slant, high + slant)], 0.55),
    ]  # fmt: skip
    for corners, alpha in faces:
        axis.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white"))
