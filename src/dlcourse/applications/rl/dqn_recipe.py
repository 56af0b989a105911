"""Training and measuring the deep agents of the zoo: CartPole, and MinAtar's Breakout."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.rl.deep_training import FINAL, DQNSettings, train_dqn
from dlcourse.applications.rl.dqn import QAgent
from dlcourse.applications.rl.episodes import Episodes, evaluate
from dlcourse.applications.rl.exploration import LinearSchedule
from dlcourse.applications.rl.games import make_game, network_of
from dlcourse.models.q_networks import QNetwork
from dlcourse.training import History, Stream, generator
from dlcourse.zoo.training import Trained

GAMES = {"cartpole": "CartPole-v1", "breakout": "MinAtar/Breakout-v1"}

_PLANS = {
    "cartpole": DQNSettings(
        frames=50_000,
        lr=1e-3,
        epsilon=LinearSchedule(1.0, 0.05, 10_000),
        capacity=50_000,
        learn_after=1_000,
        learn_every=2,
        batch=64,
        target_every=100,
        delta=100.0,
        check_every=1_000,
        check_episodes=10,
    ),
    "breakout": DQNSettings(
        frames=200_000,
        lr=2.5e-4,
        epsilon=LinearSchedule(1.0, 0.05, 100_000),
        capacity=100_000,
        learn_after=5_000,
        target_every=1_000,
        check_every=25_000,
    ),
}

#: What differs from plain DQN.
_VARIANTS: dict[str, dict[str, Any]] = {
    "dqn": {},
    "double": {"double": True},
    "dueling": {"double": True},
    "no-replay": {"capacity": 0},
    "no-target": {"target_every": 0},
}


def train_agent(game: str, variant: str, folder: Path, *, seed: int, progress: bool) -> Trained:
    """Train an agent.

    Parameters
    ----------
    game : str
        cartpole or breakout.
    variant : str
        dqn, double (Double DQN), dueling (Double DQN with a dueling head), no-replay, no-target.
    folder : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    seed : int
        What initial weights, games and explored actions are drawn from.
    progress : bool
        Whether to show a progress bar.
    """
    settings = dataclasses.replace(_PLANS[game], **_VARIANTS[variant])
    spec = network_of(make_game(GAMES[game]), dueling=variant == "dueling")
    network = zoo.build(spec, generator(seed, Stream.INIT))
    history = train_dqn(
        lambda: make_game(GAMES[game]),
        network,
        settings,
        seed=seed,
        checkpoint=folder / "checkpoint.npz",
        progress=progress,
    )
    frames, returns = _curve(history, settings.frames // 100)
    return Trained(
        network.state_dict(),
        recipe={"game": GAMES[game], "variant": variant} | dataclasses.asdict(settings),
        seconds=round(history.seconds, 1),
        training={
            "episodes": history.done,
            "curve": {"frames": frames, "returns": returns},
            "checks": [[look["frame"], look["score"]] for look in history.watched],
        },
        network=spec,
        input=(4, 10, 10) if game == "breakout" else (4,),
    )


def evaluate_agent(network: QNetwork, *, game: str, whole: bool = True) -> dict[str, Any]:
    """Return how a hundred games went, or the first ten of them."""
    count = 100 if whole else 10
    played = evaluate(make_game(GAMES[game]), QAgent(network).act, episodes=count, seed=FINAL)
    return {
        "episodes": count,
        "seed": FINAL,
        "mean": round(float(played.returns.mean()), 4),
        "standard_error": round(float(played.returns.std() / count**0.5), 4),
        "returns": played.returns.tolist(),
    }


def _curve(history: History, window: int) -> tuple[list[int], list[float]]:
    """Mean returns of the episodes that ended in each window of frames, where there are any."""
    ends, returns = np.array(history["frame"]), np.array(history["return"])
    frames, means = [], []
    for start in range(0, int(ends[-1]), window):
        inside = (ends > start) & (ends <= start + window)
        if inside.any():
            frames.append(start + window)
            means.append(round(float(returns[inside].mean()), 2))
    return frames, means


def random_play(game: str, episodes: int, seed: int = 0) -> Episodes:
    """Play episodes with random actions: what an agent's score is compared with."""
    environment = make_game(GAMES[game])
    rng = generator(seed, Stream.EXPLORE)
    actions = int(environment.action_space.n)
    return evaluate(
        environment, lambda _: int(rng.integers(actions)), episodes=episodes, seed=FINAL
    )
