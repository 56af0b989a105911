"""Training a deep Q-network: act, remember, learn; and keep what does best in other games."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.applications.rl.dqn import DQN
from dlcourse.applications.rl.episodes import episode_seed, evaluate, play
from dlcourse.applications.rl.exploration import LinearSchedule, epsilon_greedy
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.files import FileError, Found, reading
from dlcourse.models.q_networks import QNetwork
from dlcourse.nn.state import fitted, put
from dlcourse.nn.weights import load_arrays, naming, part, save_arrays
from dlcourse.optim import Adam
from dlcourse.training import Stream, generator
from dlcourse.training.divergence import check_weights

#: Seeds of the games that choose weights and of the games that the final score comes from.
CHOICE, FINAL = 1_000, 2_000


@dataclass(frozen=True)
class DQNSettings:
    """How an agent is trained.

    Attributes
    ----------
    frames : int
        Steps in the environment; the episode in which they are reached is played to its end.
    lr : float
        Adam's learning rate.
    discount, target_every, double, delta
        As for `DQN`.
    capacity : int
        Steps that the replay memory keeps; with 0 the agent learns from the latest steps.
    learn_after : int
        Frames before the first learning step.
    learn_every : int
        Frames from one learning step to the next.
    batch : int
        Steps in a batch.
    epsilon : LinearSchedule
        The share of random actions by frame.
    check_every, check_episodes : int
        Every `check_every` frames, `check_episodes` greedy games decide whether the weights are the
        best so far.
    """

    frames: int
    lr: float
    epsilon: LinearSchedule
    capacity: int
    learn_after: int
    check_every: int
    batch: int = 32
    discount: float = 0.99
    target_every: int = 1000
    double: bool = False
    delta: float = 1.0
    learn_every: int = 4
    check_episodes: int = 20


@dataclass
class DQNHistory:
    """What a training run saw.

    Attributes
    ----------
    ends, returns : list
        The frame at which each episode ended, and its return, random actions included.
    checks : list of (int, float)
        Frame and mean return of the greedy games that chose the weights.
    seconds : float
        How long it took, over all its parts if it was interrupted.
    """

    ends: list[int] = dataclasses.field(default_factory=list)
    returns: list[float] = dataclasses.field(default_factory=list)
    checks: list[tuple[int, float]] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    @property
    def frame(self) -> int:
        """Frames played so far."""
        return self.ends[-1] if self.ends else 0


def train_dqn(
    make_environment: Callable[[], Any],
    network: QNetwork,
    settings: DQNSettings,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> DQNHistory:
    """Train a network, and leave in it the weights that did best in the checks.

    Rewards are clipped to [-1, 1] in training, and count in full in the checks.

    Parameters
    ----------
    make_environment : callable
        Makes an environment; the games of the checks are played in one of their own.
    network : QNetwork
        What is trained.
    settings : DQNSettings
        How.
    seed : int
        Decides everything random but the initial weights. It is drawn afresh for each episode, by
        position, so that an interrupted training run goes on as if nothing had happened.
    checkpoint : pathlib.Path, optional
        File of the state, written at each check; training goes on from it if it is there.
    report : callable, optional
        Called with a line of text after each check.

    Raises
    ------
    ValueError
        If the checkpoint belongs to other settings.
    TrainingDiverged
        If a weight becomes infinite or not a number.
    """
    from dlcourse.applications.rl.wrappers import (
        ClipReward,  # needs Gymnasium, which `dlcourse.applications.rl` does not
    )

    environment, judge = ClipReward(make_environment()), make_environment()
    agent = DQN(
        network,
        Adam(network.parameters(), lr=settings.lr),
        discount=settings.discount,
        target_every=settings.target_every,
        double=settings.double,
        delta=settings.delta,
    )
    space: Any = environment.observation_space
    memory = ReplayMemory(settings.capacity or settings.batch, space.shape, space.dtype)
    best = {name: array.copy() for name, array in network.state_dict().items()}
    history = DQNHistory()
    identity = json.dumps([dataclasses.asdict(settings), seed])
    if checkpoint is not None and checkpoint.exists():
        _restore(checkpoint, identity, agent, memory, best, history)
    start = time.perf_counter() - history.seconds
    frame = history.frame
    while frame < settings.frames:
        episode = len(history.ends)
        explorer = _Explorer(
            agent, settings.epsilon, frame, generator(seed, Stream.EXPLORE, episode)
        )
        draw = generator(seed, Stream.REPLAY, episode)
        total, checks_before = 0.0, frame // settings.check_every

        for step in play(
            environment, explorer, seed=episode_seed(seed, Stream.ENVIRONMENT, episode)
        ):
            memory.add(
                *(step.observation, step.action, step.reward, step.next_observation),
                terminated=step.terminated,
            )
            total += step.reward
            frame += 1
            if frame >= settings.learn_after and frame % settings.learn_every == 0:
                agent.learn(
                    memory.sample(settings.batch, draw)
                    if settings.capacity
                    else memory.latest(settings.batch)
                )
        history.ends.append(frame)
        history.returns.append(total)
        if frame // settings.check_every > checks_before:
            check_weights(network, settings.lr)
            games = evaluate(judge, agent.act, episodes=settings.check_episodes, seed=CHOICE)
            score = float(games.returns.mean())
            if score >= max((other for _, other in history.checks), default=-np.inf):
                for name, array in network.state_dict().items():
                    best[name][...] = array
            history.checks.append((frame, score))
            history.seconds = time.perf_counter() - start
            if report is not None:
                mean = np.mean(history.returns[-100:])
                report(f"{frame} frames: last 100 episodes {mean:.1f}, greedy games {score:.1f}")
            if checkpoint is not None:
                _save(checkpoint, identity, agent, memory, best, history)
    history.seconds = time.perf_counter() - start
    network.load_state_dict(best)
    return history


class _Explorer:
    """Epsilon-greedy actions in an episode, with the epsilon of each frame."""

    def __init__(
        self, agent: DQN, epsilon: LinearSchedule, frame: int, rng: np.random.Generator
    ) -> None:
        self.agent, self.epsilon, self.frame, self.rng = agent, epsilon, frame, rng

    def __call__(self, observation: Any) -> int:
        action = epsilon_greedy(
            self.agent.q_values(observation), self.epsilon(self.frame), self.rng
        )
        self.frame += 1
        return action


def _save(
    path: Path,
    identity: str,
    agent: DQN,
    memory: ReplayMemory,
    best: dict[str, np.ndarray],
    history: DQNHistory,
) -> None:
    kept = len(memory)
    parts = {
        "network": agent.network.state_dict(),
        "target": agent.target.state_dict(),
        "optimizer": agent.optimizer.state_dict(),
        "best": best,
        "memory": {name: array[:kept] for name, array in memory.arrays().items()},
        "counts": {"added": np.array(memory.added), "steps": np.array(agent.steps)},
        "json": {
            "identity": np.array(identity),
            "history": np.array(json.dumps(dataclasses.asdict(history))),
        },
    }
    save_arrays(
        path,
        {f"{key}/{name}": a for key, arrays in parts.items() for name, a in arrays.items()},
    )


def _restore(
    path: Path,
    identity: str,
    agent: DQN,
    memory: ReplayMemory,
    best: dict[str, np.ndarray],
    history: DQNHistory,
) -> None:
    arrays = load_arrays(path)
    remedy = "choose another folder, or remove the file to start afresh"
    with reading(path, "a checkpoint of a DQN", remedy):
        text, counts = part(arrays, "json/"), part(arrays, "counts/")
        same = str(text["identity"]) == identity
        added, steps = int(counts["added"]), int(counts["steps"])
        saved = json.loads(str(text["history"]))
        checks = [(int(frame), float(score)) for frame, score in saved["checks"]]
        ends, returns = list(map(int, saved["ends"])), list(map(float, saved["returns"]))
        seconds = float(saved["seconds"])
        if min(added, steps, *ends) < 0 or len(ends) != len(returns):
            raise Found(f"one of {added} frames, {steps} steps and {len(ends)} episodes")
    if not same:
        raise FileError(f"{path} belongs to a training run with other settings; {remedy}")
    kept = {name: array[: min(added, len(array))] for name, array in memory.arrays().items()}
    owners = {
        "network": agent.network.state_dict(),
        "target": agent.target.state_dict(),
        "optimizer": agent.optimizer.state_dict(),
        "best": best,
        "memory": kept,
    }
    with naming(path):
        pairs = [
            pair
            for name, own in owners.items()
            for pair in fitted(own, part(arrays, f"{name}/"), f"its {name} does not fit")
        ]
    put(pairs)
    memory.added, agent.steps = added, steps
    history.ends, history.returns, history.checks = ends, returns, checks
    history.seconds = seconds
