"""What training runs reached: step by step, and seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from dlcourse.explore.plots.theme import COLOURS, figure_style
from dlcourse.training import History


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
