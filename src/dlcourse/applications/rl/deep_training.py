"""Training a deep Q-network: act, remember, learn; and keep what does best in other games."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcourse.applications.rl.dqn import DQN
from dlcourse.applications.rl.episodes import episode_seed, evaluate, play
from dlcourse.applications.rl.exploration import LinearSchedule, epsilon_greedy
from dlcourse.applications.rl.replay import ReplayMemory
from dlcourse.models.q_networks import QNetwork
from dlcourse.optim import Adam
from dlcourse.training import History, Loop, Stream, generator

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


def train_dqn(
    make_environment: Callable[[], Any],
    network: QNetwork,
    settings: DQNSettings,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> History:
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
        File of the state; training goes on from it if it is there.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    History
        A step is an episode: ``history["frame"]`` has the frame at which each ended, and
        ``history["return"]`` its return, random actions included. ``history.watched`` has the
        checks: ``frame``, and as ``score`` the mean return of the greedy games.

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
    best = copy.deepcopy(network)

    def step(episode: int) -> dict[str, float]:
        """Play an episode, and learn on the way."""
        rng = generator(seed, Stream.EXPLORE, episode)
        draw = generator(seed, Stream.REPLAY, episode)
        total = 0.0

        def act(observation: Any) -> int:
            return epsilon_greedy(agent.q_values(observation), settings.epsilon(memory.added), rng)

        for step in play(environment, act, seed=episode_seed(seed, Stream.ENVIRONMENT, episode)):
            memory.add(
                *(step.observation, step.action, step.reward, step.next_observation),
                terminated=step.terminated,
            )
            total += step.reward
            if memory.added >= settings.learn_after and memory.added % settings.learn_every == 0:
                agent.learn(
                    memory.sample(settings.batch, draw)
                    if settings.capacity
                    else memory.latest(settings.batch)
                )
        loop.stop = memory.added >= settings.frames
        return {"frame": memory.added, "return": total}

    def check(_: int) -> dict[str, float] | None:
        """Play greedy games when it is time, and keep the weights that do best."""
        frames = [0, *loop.history.numbers.get("frame", [])][-2:]
        if frames[0] // settings.check_every == frames[-1] // settings.check_every:
            return None
        games = evaluate(judge, agent.act, episodes=settings.check_episodes, seed=CHOICE)
        score = float(games.returns.mean())
        if all(score >= look["score"] for look in loop.history.watched):
            best.load_state_dict(network.state_dict())
        return {"frame": frames[-1], "score": score}

    loop = Loop(
        step,
        {
            "network": network,
            "optimizer": agent.optimizer,
            "agent": agent,
            "memory": memory,
            "best": best,
        },
        watch=check,
        watch_every=1,
        checkpoint=checkpoint,
        settings={**dataclasses.asdict(settings), "seed": seed},
        progress=progress,
    )
    history = loop.run()
    network.load_state_dict(best.state_dict())
    return history
