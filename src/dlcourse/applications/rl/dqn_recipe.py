"""The runs that made the deep agents of the zoo: CartPole, and MinAtar's Breakout from pixels."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse import zoo
from dlcourse.applications.rl.deep_training import FINAL, DQNHistory, DQNSettings, train_dqn
from dlcourse.applications.rl.dqn import QAgent
from dlcourse.applications.rl.episodes import Episodes, evaluate
from dlcourse.applications.rl.exploration import LinearSchedule
from dlcourse.applications.rl.games import make_game, network_for
from dlcourse.training import Stream, generator
from dlcourse.training.progress import say
from dlcourse.zoo.entry import write_entry

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

#: The agents of the zoo, by their names there: game, variant and number.
AGENTS: dict[str, tuple[str, str, int]] = {
    f"rl/{game}-{variant}-seed{number}": (game, variant, number)
    for game, variant in (
        ("cartpole", "dqn"),
        ("cartpole", "double"),
        ("cartpole", "dueling"),
        ("breakout", "dqn"),
    )
    for number in range(5)
}

#: What happens without the copy that stands still, and without the memory: only records.
ABLATIONS: dict[str, tuple[str, str, int]] = {
    f"rl/cartpole-{variant}-seed{number}": ("cartpole", variant, number)
    for variant in ("no-target", "no-replay")
    for number in range(5)
}


def run_dqn(
    game: str,
    variant: str,
    number: int,
    output: Path,
    *,
    command: str,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Train an agent into a folder, and return the record; see `zoo.entry`.

    Parameters
    ----------
    game : str
        cartpole or breakout.
    variant : str
        dqn, double (Double DQN), dueling (Double DQN with a dueling head), no-replay, no-target.
    number : int
        The agent's number among those of its kind; it is added to the seed.
    output : pathlib.Path
        Folder of the run; an interrupted run is resumed.
    command : str
        The command that started it, for the record.
    seed : int
        What initial weights, games and explored actions are drawn from.
    progress : bool
        Whether to print a line to standard error after each check.
    """
    seed += number
    environment = make_game(GAMES[game])
    settings = dataclasses.replace(_PLANS[game], **_VARIANTS[variant])
    network = network_for(
        environment, dueling=variant == "dueling", rng=generator(seed, Stream.INIT)
    )
    history = train_dqn(
        lambda: make_game(GAMES[game]),
        network,
        settings,
        seed=seed,
        checkpoint=output / "checkpoint.npz",
        report=say if progress else None,
    )
    # What ships has 16 bits, so that is what is measured.
    weights = {name: a.astype(np.float16) for name, a in network.state_dict().items()}
    network.load_state_dict(weights)
    final = evaluate(environment, QAgent(network).act, episodes=100, seed=FINAL)
    frames, returns = _curve(history, settings.frames // 100)
    record = {
        "recipe": {"game": GAMES[game], "variant": variant, "seed": seed}
        | dataclasses.asdict(settings),
        "training": {
            "parameters": sum(p.data.size for p in network.parameters()),
            "episodes": len(history.ends),
            "seconds": round(history.seconds, 1),
            "curve": {"frames": frames, "returns": returns},
            "checks": history.checks,
        },
        "test": {
            "episodes": len(final.returns),
            "seed": FINAL,
            "mean": round(float(final.returns.mean()), 4),
            "standard_error": round(float(final.returns.std() / len(final.returns) ** 0.5), 4),
            "returns": final.returns.tolist(),
        },
    }
    return write_entry(output, weights, command, record)


def load_agent(name: str) -> tuple[QAgent, Any]:
    """Return a deep agent of the zoo and an environment of its game.

    Parameters
    ----------
    name : str
        For example ``rl/breakout-dqn-seed0``.
    """
    recipe = zoo.record(name)["recipe"]
    environment = make_game(recipe["game"])
    network = network_for(
        environment, dueling=recipe["variant"] == "dueling", rng=np.random.default_rng(0)
    )
    network.load_state_dict(zoo.arrays(name))
    return QAgent(network), environment


def _curve(history: DQNHistory, window: int) -> tuple[list[int], list[float]]:
    """Mean returns of the episodes that ended in each window of frames, where there are any."""
    ends, returns = np.array(history.ends), np.array(history.returns)
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
