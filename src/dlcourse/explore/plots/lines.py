"""Lines in panels side by side, each with its name where it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from dlcourse.explore.plots.theme import COLOURS, DASHES, figure_style


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
