"""The loop of agent and environment: observe, act, receive a reward, and so on.

Environments have the interface of Gymnasium (https://gymnasium.farama.org/api/env), so an episode
ends in one of two ways. It is *terminated* when the task is over: the goal is reached, the pole
has fallen. It is *truncated* when only the time is up. After a truncation more rewards would have
come, and what an agent learns from must say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from dlcourse.expect import needed
from dlcourse.training import Stream, generator


class Environment(Protocol):
    """What Gymnasium's environments can do, as far as we use it."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; return the first observation and further information."""
        ...

    def step(self, action: Any, /) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Return the next observation, the reward, terminated, truncated and information."""
        ...


class Agent(Protocol):
    """Anything that acts on what it observes."""

    def act(self, observation: Any) -> int:
        """Return the number of the action to take."""
        ...

    def q_values(self, observation: Any) -> np.ndarray:
        """Return what the agent expects of each action, shape (actions,)."""
        ...


class Transition(NamedTuple):
    """One step: what was seen, what was done, and what came of it."""

    observation: Any
    action: int
    reward: float
    next_observation: Any
    terminated: bool
    truncated: bool


@dataclass(frozen=True)
class Episodes:
    """How episodes went.

    Attributes
    ----------
    returns : numpy.ndarray
        The sum of the rewards of each episode, not discounted, shape (N,), float64.
    lengths : numpy.ndarray
        The steps of each episode, shape (N,), int64.
    terminated : numpy.ndarray
        Whether the task was over, shape (N,), bool; where it was not, the time was up.
    """

    returns: np.ndarray
    lengths: np.ndarray
    terminated: np.ndarray


def make(name: str, **options: Any) -> Any:
    """Return an environment of Gymnasium; like ``gymnasium.make``.

    Raises
    ------
    ImportError
        If Gymnasium is not installed.

    Examples
    --------
    >>> make("FrozenLake-v1").observation_space  # doctest: +SKIP
    Discrete(16)
    """
    with needed("Gymnasium", f"the environment {name}", "'dlcourse[rl]'"):
        import gymnasium
    return gymnasium.make(name, **options)


def episode_seed(seed: int, stream: Stream, number: int) -> int:
    """Return the seed of an environment's episode, derived from a run's seed by position.

    Examples
    --------
    >>> episode_seed(0, Stream.ENVIRONMENT, 3) == episode_seed(0, Stream.ENVIRONMENT, 3)
    True
    >>> episode_seed(0, Stream.ENVIRONMENT, 3) == episode_seed(0, Stream.EVALUATE, 3)
    False
    """
    return int(generator(seed, stream, number).integers(2**31))


def play(
    environment: Environment, act: Callable[[Any], int], *, seed: int | None = None
) -> Iterator[Transition]:
    """Play one episode, a step at a time.

    The caller may learn from each step before the next action is asked for.

    Parameters
    ----------
    environment : Environment
        Where to play; reset first.
    act : callable
        Gives the action for an observation, as an agent's ``act`` does.
    seed : int, optional
        For the environment's own random numbers; without it the environment goes on with its own.

    Yields
    ------
    Transition
        Each step; the last is terminated or truncated, or both.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> [step.reward for step in play(GridWorld(["S.G"]), lambda observation: 1)]
    [0.0, 1.0]
    """
    observation, _ = environment.reset(seed=seed)
    done = False
    while not done:
        action = act(observation)
        next_observation, reward, terminated, truncated, _ = environment.step(action)
        yield Transition(
            observation, action, float(reward), next_observation, bool(terminated), bool(truncated)
        )
        observation = next_observation
        done = terminated or truncated


def summarize(episodes: Iterable[Iterable[Transition]]) -> Episodes:
    """Play episodes to their ends, one after another, and note how they went.

    Examples
    --------
    >>> over = Transition("left", 0, 2.0, "right", True, False)
    >>> summarize([[over], [over]]).returns.tolist()
    [2.0, 2.0]
    """
    returns, lengths, terminated = [], [], []
    for episode in episodes:
        total, length, over = 0.0, 0, False
        for step in episode:
            total += step.reward
            length += 1
            over = step.terminated
        returns.append(total)
        lengths.append(length)
        terminated.append(over)
    return Episodes(
        np.array(returns, np.float64), np.array(lengths, np.int64), np.array(terminated, bool)
    )


def evaluate(
    environment: Environment, act: Callable[[Any], int], *, episodes: int, seed: int = 0
) -> Episodes:
    """Play episodes without learning and say how they went.

    Parameters
    ----------
    environment : Environment
        Where to play. The episodes must end: give an environment that never ends by itself a
        limit of steps.
    act : callable
        Gives the action for an observation, as an agent's ``act`` does.
    episodes : int
        How many.
    seed : int
        Seeds episode number i by position, so the same seed gives the same episodes, and
        different ones from training with it.

    Returns
    -------
    Episodes

    Raises
    ------
    ValueError
        If there is no episode to play.

    Examples
    --------
    >>> from dlcourse.applications.rl.grid_world import GridWorld
    >>> evaluate(GridWorld(["S.G"]), lambda observation: 1, episodes=3).lengths.tolist()
    [2, 2, 2]
    """
    if episodes < 1:
        raise ValueError(f"expected at least one episode to play, found episodes={episodes}")
    return summarize(
        play(environment, act, seed=episode_seed(seed, Stream.EVALUATE, number))
        for number in range(episodes)
    )
