"""Small arrays as squares with their numbers, so that a sum can be followed with a pencil."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from dlcourse.explore.plots.theme import COLOURS, figure_style

#: Inches of a square, and of the gap between two arrays, in squares.
_SQUARE, _GAP = 0.42, 1.1


def grids(
    arrays: Mapping[str, ArrayLike],
    marks: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> None:
    """Draw arrays side by side, each with its name above it and a number in each square.

    Parameters
    ----------
    arrays : mapping from str to array of shape (rows, columns)
        What to draw, from left to right. A number that is NaN leaves its square empty.
    marks : mapping from str to sequence of (row, column), optional
        Which squares of an array stand out: thick frame, bold number and shaded ground.

    Raises
    ------
    ValueError
        If an array has not two axes.
    """
    tables = {name: np.asarray(array, float) for name, array in arrays.items()}
    for name, table in tables.items():
        if table.ndim != 2:
            raise ValueError(f"expected arrays of two axes, found {table.shape} for {name!r}")
    # A name may be wider than its array.
    widths = [max(t.shape[1], 0.24 * len(name)) for name, t in tables.items()]
    width = sum(widths) + _GAP * (len(tables) - 1)
    height = max(len(t) for t in tables.values()) + 0.9
    with figure_style():
        _, axis = plt.subplots(figsize=(_SQUARE * width, _SQUARE * height))
        left = 0.0
        for (name, table), space in zip(tables.items(), widths, strict=True):
            top = (height - 0.9 - len(table)) / 2
            marked = set((marks or {}).get(name, ()))
            _grid(axis, left + (space - table.shape[1]) / 2, top, table, marked)
            axis.text(left + space / 2, top - 0.3, name, ha="center", va="bottom")
            left += space + _GAP
        axis.set(xlim=(-0.1, width + 0.1), ylim=(height - 0.8, -0.9), aspect="equal")
        axis.axis("off")
        plt.show()


def _grid(
    axis: Axes, left: float, top: float, table: np.ndarray, marked: set[tuple[int, int]]
) -> None:
    """One array, its upper left corner at a place; marked squares last, over their neighbours."""
    places = sorted(np.ndindex(*table.shape), key=lambda place: place in marked)
    for row, column in places:
        bold = (row, column) in marked
        ground, frame, width = ("#fff2cc", COLOURS[1], 2.2) if bold else ("white", "#999999", 0.8)
        corner = left + column, top + row
        axis.add_patch(
            Rectangle(
                corner,
                1,
                1,
                facecolor=ground,
                edgecolor=frame,
                linewidth=width,
                zorder=2 if bold else 1,
            )
        )
        number = table[row, column] + 0.0  # or zero may have a sign
        if not np.isnan(number):
            text = f"{number:.4g}".replace("-", "\N{MINUS SIGN}")
            axis.text(
                corner[0] + 0.5,
                corner[1] + 0.52,
                text,
                ha="center",
                va="center",
                fontsize=9 if len(text) < 4 else 7,
                fontweight="bold" if bold else "normal",
                zorder=3,
            )
