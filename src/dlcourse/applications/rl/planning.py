"""The best that could be reached: planning in worlds whose rules are known.

Gymnasium's worlds in text, and :class:`~dlcourse.applications.rl.grid_world.GridWorld`, tell
their rules as ``P[state][action]``, a list of (probability, next state, reward, terminated). An
agent that learns must not look at them; whoever judges it may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: From a state and an action to the outcomes (probability, next state, reward, terminated).
Rules = Mapping[int, Mapping[int, Sequence[tuple[float, Any, float, bool]]]]

#: Values that change by no more than this are settled.
_SETTLED = 1e-10


def _model(rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (states, actions, states) of going on, and expected rewards."""
    states, actions = len(rules), len(rules[0])
    going_on = np.zeros((states, actions, states))
    rewards = np.zeros((states, actions))
    for state, row in rules.items():
        for action, outcomes in row.items():
            for probability, next_state, reward, terminated in outcomes:
                rewards[state, action] += probability * reward
                if not terminated:
                    going_on[state, action, int(next_state)] += probability
    return going_on, rewards


def value_iteration(rules: Rules, discount: float) -> np.ndarray:
    """Return the true Q values of the best policy.

    Applies Bellman's equation of optimality, Q(s, a) = E[r + discount * max Q(s', a')], to all
    states at once until nothing changes any more.

    Parameters
    ----------
    rules : mapping
        ``environment.unwrapped.P``.
    discount : float
        What a reward is worth one step later, from 0 to below 1.

    Returns
    -------
    numpy.ndarray
        Shape (states, actions), float64.

    Raises
    ------
    ValueError
        If the discount is not from 0 to below 1; only then do the values settle.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> value_iteration(GridWorld(["S.G"]).P, discount=0.9)[:2].max(axis=1)
    array([0.9, 1. ])
    """
    if not 0 <= discount < 1:
        raise ValueError(f"the discount must be from 0 to less than 1, found {discount}")
    going_on, rewards = _model(rules)
    table = np.zeros(rewards.shape)
    while True:
        updated: np.ndarray = rewards + discount * going_on @ table.max(axis=1)
        if np.abs(updated - table).max() <= _SETTLED:
            return updated
        table = updated


def expected_return(rules: Rules, policy: np.ndarray, start: int, steps: int) -> float:
    """Return the exact mean return, not discounted, of a policy within a number of steps.

    Where the only reward is 1 at the goal this is the probability of getting there.

    Parameters
    ----------
    rules : mapping
        ``environment.unwrapped.P``.
    policy : numpy.ndarray
        The action of each state, shape (states,), int.
    start : int
        Where the episode begins.
    steps : int
        After this many steps the time is up.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> right = np.ones(3, int)
    >>> [expected_return(GridWorld(["S.G"]).P, right, 0, steps) for steps in (1, 2)]
    [0.0, 1.0]
    """
    going_on, rewards = _model(rules)
    states = np.arange(len(policy))
    here = np.zeros(len(policy))
    here[start] = 1.0
    total = 0.0
    for _ in range(steps):
        total += float(here @ rewards[states, policy])
        here = here @ going_on[states, policy]
    return total


def best_return(rules: Rules, start: int, steps: int) -> float:
    """Return the largest possible mean return, not discounted, within a number of steps.

    Backward induction: with no step left nothing can be got; with one step more, it is the best
    that an action and what comes after it give. This policy knows how many steps are left, so it
    may do better than any table of one action for each state.

    Parameters
    ----------
    rules : mapping
        ``environment.unwrapped.P``.
    start : int
        Where the episode begins.
    steps : int
        After this many steps the time is up.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> [best_return(GridWorld(["S.G"]).P, start=0, steps=steps) for steps in (1, 2)]
    [0.0, 1.0]
    """
    going_on, rewards = _model(rules)
    values = np.zeros(len(rewards))
    for _ in range(steps):
        values = (rewards + going_on @ values).max(axis=1)
    return float(values[start])
