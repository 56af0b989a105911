"""Plots that several pages use. Each draws with pyplot, so a notebook shows it by itself."""

from dlcourse.explore.plots.grids import grids
from dlcourse.explore.plots.images import image_grid
from dlcourse.explore.plots.lines import panels
from dlcourse.explore.plots.networks import architecture, shares
from dlcourse.explore.plots.roofline import plot_roofline
from dlcourse.explore.plots.runs import curves, seeds
from dlcourse.explore.plots.theme import COLOURS, DASHES, figure_style

__all__ = [
    "COLOURS",
    "DASHES",
    "architecture",
    "curves",
    "figure_style",
    "grids",
    "image_grid",
    "panels",
    "plot_roofline",
    "seeds",
    "shares",
]
