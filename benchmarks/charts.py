"""The charts of a record, and in words what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from contest import THEIRS
from matplotlib.ticker import LogLocator

from dlcourse.explore.plots import figure_style
from dlcourse.files import atomic_write


def draw(record: dict[str, Any], folder: Path) -> None:
    """Write ``contest.png`` and ``growth.png``, each with its alt text in a ``.txt`` beside it."""
    with figure_style():
        if record["contest"]:
            _save(*_contest(record["contest"]), folder / "contest")
        if record["growth"]:
            _save(*_growth(record["growth"]), folder / "growth")


def _contest(cases: dict[str, Any]) -> tuple[plt.Figure, str]:
    rows = [
        (f"{case['title']}, batch {size}", result["times"])
        for case in cases.values()
        for size, result in case["batches"].items()
    ]
    figure, axes = plt.subplots(figsize=(8, 1.5 + 0.35 * len(rows)))
    words = ["Our time as a multiple of PyTorch's, median and quartiles; 1 is equally fast."]
    for side, marker, shift in zip(THEIRS, "os", (0.12, -0.12), strict=True):
        median, low, high = (
            [times[side][key] for _, times in rows] for key in ("median", "low", "high")
        )
        reach = [
            [m - v for m, v in zip(median, low, strict=True)],
            [v - m for m, v in zip(median, high, strict=True)],
        ]
        y = [-i + shift for i in range(len(rows))]
        axes.errorbar(median, y, xerr=reach, fmt=marker, label=f"to {side}")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks([-i for i in range(len(rows))], [title for title, _ in rows])
    axes.set(xscale="log", xlabel="our time / PyTorch's time (less is better)")
    ticks = [0.25, 0.5, 1, 2, 4]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="best")
    for title, times in rows:
        against = " and ".join(f"{times[side]['median']:.2f} of {side}" for side in THEIRS)
        words.append(f"{title}: {against}.")
    return figure, " ".join(words)


def _growth(growths: dict[str, Any]) -> tuple[plt.Figure, str]:
    figure, panels = plt.subplots(1, len(growths), figsize=(3.6 * len(growths), 3.4), squeeze=False)
    words = ["Our time, on two logarithmic axes."]
    for axes, growth in zip(panels[0], growths.values(), strict=True):
        values = [int(value) for value in growth["seconds"]]
        times = [1000 * s["median"] for s in growth["seconds"].values()]
        axes.plot(values, times, marker="o")
        axes.set(xscale="log", yscale="log", xlabel=growth["axis"], ylabel="milliseconds")
        axes.set_title(growth["title"], fontsize=9)
        axes.set_xticks(values, [str(value) for value in values])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        words.append(
            f"{growth['title']}, from {values[0]} to {values[-1]} {growth['axis']}: "
            f"{times[0]:.1f} to {times[-1]:.1f} ms."
        )
    return figure, " ".join(words)


def _save(figure: plt.Figure, words: str, path: Path) -> None:
    with atomic_write(path.with_suffix(".png")) as file:
        figure.savefig(file, format="png")
    with atomic_write(path.with_suffix(".txt")) as file:
        file.write((words + "\n").encode())
    plt.close(figure)
