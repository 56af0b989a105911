"""An explorer of a game that an agent has played, with its values at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.applications.rl.episodes import Agent, episode_seed, play
from dlcourse.explore.lib.widget import Explorer
from dlcourse.training import Stream

#: The planes of MinAtar's Breakout.
_PLANES = ("paddle", "ball", "trail", "brick")


@dataclass(frozen=True)
class _Things:
    """Where things are: row and column of each."""

    paddle: list[list[int]]
    ball: list[list[int]]
    trail: list[list[int]]
    brick: list[list[int]]


@dataclass(frozen=True)
class _Moment:
    """What an agent sees, what it expects of each action, and what it does."""

    things: _Things
    values: list[float]
    chosen: int
    total: int  #: of the rewards so far
    done: bool


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    actions: list[str]
    frames: list[_Moment]


def game(
    agent: Agent, environment: Any, actions: Sequence[str], *, seed: int = 0, most: int = 300
) -> Explorer:
    """Let an agent play a game of MinAtar's Breakout, and show it step by step.

    Parameters
    ----------
    agent : Agent
        Plays, and always does what looks best.
    environment : gymnasium.Env
        MinAtar's Breakout.
    actions : sequence of str
        What the actions are called.
    seed : int
        Decides the game, as for ``dlcourse play``.
    most : int
        Only this many first steps are kept, to bound the size of the page.

    Raises
    ------
    ValueError
        If there is not one name for each of the agent's values.

    Examples
    --------
    >>> from dlcourse.applications.rl.show import load_player  # doctest: +SKIP
    >>> game(*load_player("rl/breakout-dqn-seed3"), ["stay", "left", "right"])  # doctest: +SKIP
    """
    frames: list[_Moment] = []
    total = 0
    for step in play(environment, agent.act, seed=episode_seed(seed, Stream.EVALUATE, 0)):
        values = agent.q_values(step.observation)
        if len(values) != len(actions):
            raise ValueError(f"expected {len(values)} names of actions, found {list(actions)}")
        things = {
            name: np.argwhere(step.observation[:, :, plane]).tolist()
            for plane, name in enumerate(_PLANES)
        }
        frames.append(
            _Moment(
                things=_Things(**things),
                values=[round(float(value), 3) for value in values],
                chosen=step.action,
                total=total,
                done=step.terminated,
            )
        )
        total += int(step.reward)
        if len(frames) == most:
            break
    return Explorer("game", "Explorer: a game of Breakout", _Data(list(actions), frames))
