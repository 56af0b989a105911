"""Q-learning and SARSA with a table: one number for each state and action.

The number Q(s, a) estimates the return, the discounted sum of rewards, from state s on when the
agent takes action a first. Each step moves one number a little towards a better estimate of it,
the target::

    Q-learning   r + discount * max over a' of Q(s', a')    (Watkins 1989)
    SARSA        r + discount * Q(s', a')                   (Rummery and Niranjan 1994)

where a' is what the agent really does next. When the step ended the task, nothing comes after it,
and the target is r. When only the time was up, something would have come, and the target stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlcourse.applications.rl.episodes import (
    Environment,
    Episodes,
    Transition,
    episode_seed,
    play,
    summarize,
)
from dlcourse.applications.rl.exploration import ByStep, epsilon_greedy
from dlcourse.training import Stream, generator


class TabularAgent:
    """Takes the action with the largest number in a table; the first among equals.

    Parameters
    ----------
    table : numpy.ndarray
        Q values, shape (states, actions).

    Examples
    --------
    >>> agent = TabularAgent(np.array([[0.1, 0.2], [0.9, 0.3]]))
    >>> [agent.act(state) for state in range(2)]
    [1, 0]
    """

    def __init__(self, table: np.ndarray) -> None:
        if table.ndim != 2:
            raise ValueError(f"expected a table (states, actions), found shape {table.shape}")
        self.table = table

    def act(self, observation: Any) -> int:
        """Return the action with the largest Q value in a state."""
        return int(self.table[observation].argmax())

    def q_values(self, observation: Any) -> np.ndarray:
        """Return the Q values of a state, shape (actions,)."""
        values: np.ndarray = self.table[observation]
        return values


def q_learning_target(table: np.ndarray, step: Transition, discount: float) -> float:
    """Return what Q-learning moves Q(s, a) towards: as if the best action came next.

    Examples
    --------
    >>> table = np.array([[0.0, 0.0], [0.2, 0.6]])
    >>> q_learning_target(table, Transition(0, 1, 1.0, 1, False, False), discount=0.5)
    1.3
    >>> q_learning_target(table, Transition(0, 1, 1.0, 1, True, False), discount=0.5)
    1.0
    """
    ahead = 0.0 if step.terminated else float(table[step.next_observation].max())
    return step.reward + discount * ahead


def sarsa_target(table: np.ndarray, step: Transition, next_action: int, discount: float) -> float:
    """Return what SARSA moves Q(s, a) towards: with the action that comes next.

    Examples
    --------
    >>> table = np.array([[0.0, 0.0], [0.2, 0.6]])
    >>> sarsa_target(table, Transition(0, 1, 1.0, 1, False, False), 0, discount=0.5)
    1.1
    """
    ahead = 0.0 if step.terminated else float(table[step.next_observation, next_action])
    return step.reward + discount * ahead


def q_learning(
    table: np.ndarray,
    environment: Environment,
    act: Callable[[Any], int],
    *,
    learning_rate: float,
    discount: float,
    seed: int | None = None,
) -> Iterator[Transition]:
    """Play an episode and learn from each step by Q-learning.

    Parameters
    ----------
    table : numpy.ndarray
        Q values, shape (states, actions); changed in place.
    environment : Environment
        Its observations are numbers of states.
    act : callable
        Chooses the action in a state; it may explore as it likes.
    learning_rate : float
        The share of the way to the target.
    discount : float
        What a reward is worth one step later, from 0 to 1.
    seed : int, optional
        For the environment's own random numbers.

    Yields
    ------
    Transition
        Each step, after the table has learned from it.
    """
    for step in play(environment, act, seed=seed):
        state, action = step.observation, step.action
        error = q_learning_target(table, step, discount) - table[state, action]
        table[state, action] += learning_rate * error
        yield step


def sarsa(
    table: np.ndarray,
    environment: Environment,
    act: Callable[[Any], int],
    *,
    learning_rate: float,
    discount: float,
    seed: int | None = None,
) -> Iterator[Transition]:
    """Play an episode and learn from each step by SARSA; like :func:`q_learning`.

    The next action is chosen before the table learns, and then taken: one update needs state,
    action, reward, state, action, and is named for them.
    """
    chosen: list[int] = []

    def take_chosen(state: Any) -> int:
        return chosen.pop() if chosen else act(state)

    for step in play(environment, take_chosen, seed=seed):
        state, action = step.observation, step.action
        if not step.terminated:
            chosen.append(act(step.next_observation))
        next_action = chosen[-1] if chosen else 0  # has no weight when nothing comes next
        error = sarsa_target(table, step, next_action, discount) - table[state, action]
        table[state, action] += learning_rate * error
        yield step


def learn(
    method: Callable[..., Iterator[Transition]],
    table: np.ndarray,
    environment: Environment,
    *,
    episodes: int,
    epsilon: ByStep,
    learning_rate: ByStep,
    discount: float,
    seed: int = 0,
    first: int = 0,
) -> Episodes:
    """Learn a table from episodes played with epsilon-greedy actions.

    Parameters
    ----------
    method : callable
        :func:`q_learning` or :func:`sarsa`.
    table : numpy.ndarray
        Q values to begin with, shape (states, actions); changed in place.
    environment : Environment
        Its observations are numbers of states.
    episodes : int
        How many to play.
    epsilon, learning_rate : callable
        Each gives its value for an episode.
    discount : float
        What a reward is worth one step later, from 0 to 1.
    seed : int
        Decides everything random, in the environment and in the exploration.
    first : int
        The number of the first episode, on which schedules and random numbers depend: learning
        100 episodes, and then 100 more with ``first=100``, is the same as learning 200 at once.

    Returns
    -------
    Episodes
        How the episodes went while the agent was learning and exploring.

    Raises
    ------
    ValueError
        If the discount is not from 0 to 1.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> table = np.zeros((3, 4))
    >>> half = lambda episode: 0.5
    >>> _ = learn(q_learning, table, GridWorld(["S.G"]), episodes=50, epsilon=half,
    ...           learning_rate=half, discount=0.9)
    >>> table[:2, 1].round(3)
    array([0.9, 1. ])
    """
    if not 0 <= discount <= 1:
        raise ValueError(f"the discount must be from 0 to 1, found {discount}")

    def episode(number: int) -> Iterator[Transition]:
        rng = generator(seed, Stream.EXPLORE, number)
        share = epsilon(number)
        return method(
            table,
            environment,
            lambda state: epsilon_greedy(table[state], share, rng),
            learning_rate=learning_rate(number),
            discount=discount,
            seed=episode_seed(seed, Stream.ENVIRONMENT, number),
        )

    return summarize(episode(first + number) for number in range(episodes))
