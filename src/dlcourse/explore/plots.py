"""Plots that several pages use. Each draws with pyplot, so a notebook shows it by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from dlcourse.explore.theme import COLOURS, DASHES, figure_style
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
        Images per row.
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


def seeds(values: dict[str, Sequence[float]], xlabel: str) -> None:
    """Draw what training runs reached: a row per method, a dot per seed, a bar at the mean.

    Parameters
    ----------
    values : dict
        From the name of a method to one number for each seed.
    xlabel : str
        What the numbers are.
    """
    if not values or not all(len(numbers) for numbers in values.values()):
        raise ValueError("expected at least one method with one number each, found none")
    with figure_style():
        _, axis = plt.subplots(figsize=(8, 0.4 * len(values) + 0.9))
        for row, numbers in enumerate(values.values()):
            axis.plot(numbers, [row] * len(numbers), "o", color=COLOURS[0], alpha=0.6)
            mean = float(np.mean(numbers))
            axis.plot([mean, mean], [row - 0.3, row + 0.3], "-", color=COLOURS[1], linewidth=2.5)
        axis.set(yticks=range(len(values)), yticklabels=list(values), xlabel=xlabel)
        axis.set_ylim(len(values) - 0.5, -0.5)
        plt.show()


def panels(
    content: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    xlabel: str,
    ylabel: str,
    *,
    log: str = "",
    level: tuple[float, str] | None = None,
    limits: tuple[float, float] | None = None,
    columns: int = 2,
) -> None:
    """Draw lines in panels side by side, on common axes, each with its name where it ends.

    Parameters
    ----------
    content : mapping
        From the title of a panel to its lines; from the name of a line, which may be empty, to
        its x and its y. Lines of one name look the same in every panel. A value that is infinite
        or not a number leaves a gap.
    xlabel, ylabel : str
        What the axes show.
    log : str
        ``"x"``, ``"y"`` or ``"xy"``: the axes with a logarithmic scale.
    level : (float, str), optional
        A thin horizontal line in each panel, and its name, shown in the first one.
    limits : (float, float), optional
        Limits of the y axis; the lowest and highest value when left out.
    columns : int
        Panels per row.

    Raises
    ------
    ValueError
        If there is no line.
    """
    names = list(dict.fromkeys(name for lines in content.values() for name in lines))
    if not names:
        raise ValueError("expected at least one line to draw, found none")
    columns = min(columns, len(content))
    rows = math.ceil(len(content) / columns)
    with figure_style():
        size = (8, 0.5 + (2.2 if rows > 1 else 3) * rows)
        figure, grid = plt.subplots(
            rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False
        )
        grid[0, 0].set_xscale("log" if "x" in log else "linear")
        grid[0, 0].set_yscale("log" if "y" in log else "linear")
        for axis, (title, lines) in zip(grid.flat, content.items(), strict=False):
            axis.set_title(title, fontsize=10)
            for name, (x, y) in lines.items():
                i = names.index(name) % len(COLOURS)
                values = np.where(np.isfinite(y), y, np.nan)
                axis.plot(x, values, color=COLOURS[i], linestyle=DASHES[i], label=name)
        for axis in grid.flat[len(content) :]:
            axis.axis("off")
        if limits is not None:
            grid[0, 0].set_ylim(limits)
        for axis in grid.flat[: len(content)]:
            if level is not None:
                axis.axhline(level[0], color="0.3", linewidth=0.8, linestyle=":")
        for axis in grid.flat[: len(content)]:  # now that the limits no longer change
            _name_lines(axis)
        if level is not None:
            grid[0, 0].annotate(
                level[1], (1, level[0]), xycoords=("axes fraction", "data"), color="0.3",
                xytext=(0, -2), textcoords="offset points", fontsize=8, ha="right", va="top",
            )  # fmt: skip
        figure.supxlabel(xlabel, fontsize=10)
        figure.supylabel(ylabel, fontsize=10)
        plt.show()


def _name_lines(axis: Axes) -> None:
    """Write the names of the lines to the right of where they end, one below another."""
    ends = []
    axis.autoscale_view()  # matplotlib puts it off, and the transformation would be out of date
    for line in axis.lines:
        if str(line.get_label()).startswith("_"):  # the level
            continue
        values = np.asarray(line.get_ydata(), float)
        known = values[np.isfinite(values)]
        if len(known):
            _, end = axis.transAxes.inverted().transform(axis.transData.transform((1, known[-1])))
            ends.append([min(max(end, 0.03), 0.97), line])
    ends.sort(key=lambda end: end[0])
    apart = 0.085
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + apart)
    # What has been pushed out at the top is pushed back.
    for i, (_, line) in reversed(list(enumerate(ends))):
        above = ends[i + 1][0] - apart if i + 1 < len(ends) else 1.0
        ends[i][0] = min(ends[i][0], above)
        axis.text(
            1.02, ends[i][0], line.get_label(), color=line.get_color(), fontsize=8.5,
            transform=axis.transAxes, va="center",
        )  # fmt: skip


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


_LOOK = {
    "Conv2d": ("conv", COLOURS[0]),
    "MaxPool2d": ("pool", COLOURS[1]),
    "Linear": ("linear", COLOURS[2]),
}


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
