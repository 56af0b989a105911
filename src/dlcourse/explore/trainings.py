"""An explorer of short training runs that differ in learning rate and initial scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class _Trained:
    """The training runs of a network, by initial scale and learning rate."""

    name: str
    losses: list[list[list[float | None]]]  #: of each step
    accuracies: list[list[float]]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    rates: list[str]
    scales: list[str]
    networks: list[_Trained]


def trainings(
    rates: Sequence[float],
    scales: Sequence[float],
    losses: Mapping[str, np.ndarray],
    accuracies: Mapping[str, np.ndarray],
) -> Explorer:
    """Look through short training runs that differ in learning rate and initial scale.

    Parameters
    ----------
    rates : sequence of R float
        The learning rates.
    scales : sequence of S float
        What the initial weights were multiplied by.
    losses : mapping from str to array of shape (S, R, steps)
        From the name of a network, of which there are two, to the losses of its training runs.
    accuracies : mapping from str to array of shape (S, R)
        From the same names to the shares of held-out images read right at the end.

    Raises
    ------
    ValueError
        If there are not two networks, or a shape is wrong.

    Examples
    --------
    >>> losses, accuracies = np.full((1, 2, 3), 2.3), np.full((1, 2), 0.1)
    >>> both = {"plain": losses, "normalized": losses}
    >>> explorer = trainings([0.1, 1], [1], both, dict.fromkeys(both, accuracies))
    >>> explorer.data["networks"][0]["losses"]
    [[[2.3, 2.3, 2.3], [2.3, 2.3, 2.3]]]
    """
    shape = (len(scales), len(rates))
    if len(losses) != 2 or losses.keys() != accuracies.keys():
        raise ValueError(
            "expected losses and accuracies of the same two networks, "
            f"found {list(losses)} and {list(accuracies)}"
        )
    for name, values in losses.items():
        if values.ndim != 3 or values.shape[:2] != shape or accuracies[name].shape != shape:
            raise ValueError(
                f"expected losses of shape ({shape[0]}, {shape[1]}, steps) and accuracies of "
                f"shape {shape}, found {values.shape} and {accuracies[name].shape} for {name!r}"
            )
    data = _Data(
        rates=[f"{rate:g}" for rate in rates],
        scales=[f"{scale:g}" for scale in scales],
        networks=[
            _Trained(
                name=name,
                # Three digits are more than a curve shows; JSON knows neither infinity nor nan.
                losses=[
                    [[float(f"{v:.3g}") if np.isfinite(v) else None for v in run] for run in runs]
                    for runs in values
                ],
                accuracies=accuracies[name].round(4).tolist(),
            )
            for name, values in losses.items()
        ],
    )
    return Explorer("trainings", "Explorer: learning rate and initial scale", data)
