"""Trying what does not look best: epsilon-greedy actions, and schedules of epsilon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcourse.habits import explained

#: Gives a number, such as epsilon or a learning rate, for a step or an episode counted from 0.
ByStep = Callable[[int], float]


@explained
def epsilon_greedy(q_values: np.ndarray, epsilon: float, rng: np.random.Generator) -> int:
    """Choose any action with probability epsilon, and otherwise one that looks best.

    Among several that look equally good one is drawn; if the first were taken, an agent that
    knows nothing yet would walk into the same wall forever.

    Parameters
    ----------
    q_values : numpy.ndarray
        What is expected of each action, shape (actions,).
    epsilon : float
        From 0 (never explores) to 1 (only explores).
    rng : numpy.random.Generator
        Draws one number, and another where there is something to choose from.

    Returns
    -------
    int
        The number of an action.

    Raises
    ------
    ValueError
        If epsilon is not a probability, or no value is the largest, as with NaN.

    Examples
    --------
    >>> epsilon_greedy(np.array([0.1, 0.5, 0.2]), 0.0, np.random.default_rng(0))
    1
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be a probability from 0 to 1, found {epsilon}")
    if rng.random() < epsilon:
        return int(rng.random() * len(q_values))
    best = np.flatnonzero(q_values == np.max(q_values))
    if len(best) == 0:
        raise ValueError(f"expected a number for each action, found {q_values}: has it diverged?")
    return int(best[0] if len(best) == 1 else best[int(rng.random() * len(best))])


@dataclass(frozen=True)
class LinearSchedule:
    """A number that goes in a line from ``start`` to ``end`` in ``steps``, and stays there.

    Raises
    ------
    ValueError
        If there are no steps.

    Examples
    --------
    >>> epsilon = LinearSchedule(1.0, 0.1, steps=9)
    >>> [round(epsilon(step), 2) for step in (0, 1, 9, 1000)]
    [1.0, 0.9, 0.1, 0.1]
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"a schedule needs at least one step, found steps={self.steps}")

    def __call__(self, step: int) -> float:
        share = min(step / self.steps, 1.0)
        return self.start + share * (self.end - self.start)
