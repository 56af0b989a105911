"""Wrappers around an environment, in Gymnasium's interface: what the agent sees and is given.

Gymnasium has some of these; ours are a few lines each, and the course shows them. This module
needs Gymnasium, which the rest of `dlcourse.applications.rl` does not.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from dlcourse.expect import needed

with needed("Gymnasium", "a wrapper of environments", "'dlcourse[rl]'"):
    import gymnasium as gym


class FrameStack(gym.Wrapper[np.ndarray, int, np.ndarray, int]):
    """The last few observations as one, joined along the last axis (Mnih et al. 2015).

    One picture does not tell where the ball is going; two do. An episode begins with its first
    observation repeated.

    Parameters
    ----------
    env : gymnasium.Env
        Its observations are arrays, in a `Box`.
    size : int
        How many are joined, the oldest first.

    Examples
    --------
    >>> env = FrameStack(gym.make("CartPole-v1"), 2)
    >>> env.observation_space.shape
    (8,)
    >>> observation, _ = env.reset(seed=0)
    >>> bool((observation[:4] == observation[4:]).all())
    True
    """

    def __init__(self, env: gym.Env[np.ndarray, int], size: int) -> None:
        super().__init__(env)
        space = env.observation_space
        if size < 1:
            raise ValueError(f"a stack has at least 1 frame, found {size}")
        if not isinstance(space, gym.spaces.Box) or not space.shape:
            raise ValueError(f"FrameStack expects observations that are arrays, found {space}")
        low, high = (np.concatenate([limit] * size, axis=-1) for limit in (space.low, space.high))
        self.observation_space = gym.spaces.Box(low, high, dtype=space.dtype)
        self._frames: deque[np.ndarray] = deque(maxlen=size)
        self._size = size

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; return its first observation, repeated."""
        observation, info = self.env.reset(**options)
        self._frames.extend([observation] * self._size)
        return self._joined(), info

    def step(self, action: int) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        """Take a step; return the last observations, and the rest unchanged."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._frames.append(observation)
        return self._joined(), reward, terminated, truncated, info

    def _joined(self) -> np.ndarray:
        return np.concatenate(list(self._frames), axis=-1)


class ClipReward(gym.RewardWrapper[Any, Any]):
    """Rewards clipped to [-1, 1], so that errors are alike in all games (Mnih et al. 2015).

    The agent then can no longer tell a reward of 10 from one of 1.

    Examples
    --------
    >>> ClipReward(gym.make("CartPole-v1")).reward(10.0)
    1.0
    """

    def reward(self, reward: Any) -> float:
        """Return the reward, clipped."""
        return min(max(float(reward), -1.0), 1.0)


class ForgetLastAction(gym.Wrapper[Any, int, Any, int]):
    """A game of MinAtar in which an episode depends on its seed alone.

    MinAtar's sticky actions repeat the last action now and then; at the start of an episode that
    would be the last one of the episode before.
    """

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, as if nothing had been played before."""
        game: Any = self.env.unwrapped
        game.game.last_action = 0
        return self.env.reset(**options)
