"""Training a deep Q-network: act, remember, learn; and measure on other games now and then."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.backend import Array
from dlcourse.models.q_networks import QNetwork
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.optim import Adam
from dlcourse.rl.dqn import DQN
from dlcourse.rl.replay import ReplayMemory

#: Games for choosing weights, and games for the final figure, begin from seeds of their own.
CHOICE_SEED, FINAL_SEED = 1_000_000, 2_000_000


@dataclass(frozen=True)
class DQNSettings:
    """How an agent is trained.

    Attributes
    ----------
    frames : int
        Steps in the environment.
    lr, discount, target_every, double
        As for `DQN` and `Adam`.
    capacity : int
        Steps that the replay memory keeps; with 0 the agent learns from the latest steps.
    learn_after : int
        Frames before the first learning step.
    learn_every : int
        Frames from one learning step to the next.
    batch : int
        Steps in a batch.
    epsilon : (float, float, int)
        Share of random actions at the start, at the end, and the frames it takes to fall.
    evaluate_every, evaluate_episodes : int
        So often so many greedy games decide whether these are the best weights so far.
    """

    frames: int
    lr: float
    discount: float = 0.99
    target_every: int = 1000
    double: bool = False
    dueling: bool = False
    capacity: int = 100_000
    learn_after: int = 5_000
    learn_every: int = 4
    batch: int = 32
    epsilon: tuple[float, float, int] = (1.0, 0.1, 100_000)
    evaluate_every: int = 50_000
    evaluate_episodes: int = 20

    def epsilon_at(self, frame: int) -> float:
        """Return the share of random actions at a frame."""
        start, end, frames = self.epsilon
        return max(end, start + (end - start) * frame / frames)


def evaluate(agent: DQN, env: Any, episodes: int, seed: int) -> list[float]:
    """Return what each greedy game brought in; game i begins from ``seed + i``."""
    returns = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed + episode)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(agent.act(observation))
            total += float(reward)
            over = terminated or truncated
        returns.append(total)
    return returns


def train_dqn(
    make_env: Callable[[], Any],
    network: QNetwork,
    settings: DQNSettings,
    *,
    seed: int,
    checkpoint: Path | None = None,
    report: Callable[[str], None] | None = None,
    checkpoint_every: int = 100_000,
) -> tuple[DQN, dict[str, Any]]:
    env, judge = make_env(), make_env()
    agent = DQN(
        network,
        Adam(network.parameters(), lr=settings.lr),
        discount=settings.discount,
        target_every=settings.target_every,
        double=settings.double,
    )
    space = env.observation_space
    memory = ReplayMemory(settings.capacity or settings.batch, space.shape, space.dtype)
    actions = int(env.action_space.n)
    best: dict[str, Array] = {k: v.copy() for k, v in network.state_dict().items()}
    state: dict[str, Any] = {"frame": 0, "ends": [], "returns": [], "checks": [], "best": -np.inf, "seconds": 0.0}
    start = time.perf_counter()
    frame = 0
    episode = 0
    while frame < settings.frames:
        rng = np.random.default_rng([seed, episode])
        observation, _ = env.reset(seed=int(rng.integers(2**31)))
        total, over = 0.0, False
        due = frame // settings.evaluate_every
        while not over:
            if rng.random() < settings.epsilon_at(frame):
                action = int(rng.integers(actions))
            else:
                action = agent.act(observation)
            following, reward, terminated, truncated, _ = env.step(action)
            memory.add(observation, action, float(np.clip(reward, -1, 1)), following, terminated)
            observation = following
            total += float(reward)
            over = terminated or truncated
            frame += 1
            if frame >= settings.learn_after and frame % settings.learn_every == 0:
                agent.learn(
                    memory.sample(settings.batch, rng)
                    if settings.capacity
                    else memory.latest(settings.batch)
                )
        episode += 1
        state["ends"].append(frame)
        state["returns"].append(total)
        if frame // settings.evaluate_every > due:
            score = float(np.mean(evaluate(agent, judge, settings.evaluate_episodes, CHOICE_SEED)))
            state["checks"].append((frame, score))
            if score > state["best"]:
                state["best"] = score
                best = {k: v.copy() for k, v in network.state_dict().items()}
            if report:
                report(f"frame {frame} episode {episode} train {np.mean(state['returns'][-100:]):.2f} eval {score:.2f} {time.perf_counter()-start:.0f}s")
    network.load_state_dict(best)
    return agent, state
