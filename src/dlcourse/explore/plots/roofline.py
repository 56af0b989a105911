"""Measured layers under the roofline of a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from dlcourse.explore.plots.theme import COLOURS, figure_style
from dlcourse.machine import Machine
from dlcourse.training import Cost


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
