"""Training and measuring the tables of FrozenLake and CliffWalking, five seeds each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.applications.rl.episodes import evaluate, make
from dlcourse.applications.rl.exploration import LinearSchedule
from dlcourse.applications.rl.planning import expected_return, value_iteration
from dlcourse.applications.rl.tabular import TabularAgent, learn, q_learning, sarsa
from dlcourse.training.progress import progress_bar
from dlcourse.zoo.training import Trained

METHODS = {"q-learning": q_learning, "sarsa": sarsa}


@dataclass(frozen=True)
class Plan:
    """How a world is learned. Epsilon and learning rate go in a line from start to end."""

    environment: str
    max_steps: int
    start: int  #: the state in which each episode begins
    episodes: int
    epsilon: tuple[float, float]
    learning_rate: tuple[float, float]
    discount: float
    test_episodes: int  #: where nothing is left to chance, one is enough


PLANS = {
    "frozen-lake": Plan(
        environment="FrozenLake-v1",
        max_steps=100,
        start=0,
        episodes=10_000,
        epsilon=(1.0, 0.0),
        learning_rate=(0.2, 0.0),
        discount=0.99,
        test_episodes=10_000,
    ),
    # As in Sutton and Barto's example 6.6, but with a smaller learning rate and a limit of steps.
    "cliff-walking": Plan(
        environment="CliffWalking-v1",
        max_steps=200,
        start=36,
        episodes=1000,
        epsilon=(0.1, 0.1),
        learning_rate=(0.1, 0.1),
        discount=1.0,
        test_episodes=1,
    ),
}

#: How many parts the curves of a run are cut into.
PARTS = 100

SEEDS = 5


def train_tables(world: str, method: str, folder: Path, *, seed: int, progress: bool) -> Trained:
    """Learn a world with five seeds.

    The arrays are ``tables`` (seeds, states, actions); ``returns`` (seeds, 100), the mean return
    of the episodes of each part while learning and exploring; and ``greedy`` (seeds, 100), the
    exact mean return after each part of the policy that always takes the largest value.

    Parameters
    ----------
    world : str
        ``frozen-lake`` or ``cliff-walking``.
    method : str
        ``q-learning`` or ``sarsa``.
    folder : pathlib.Path
        Folder of the run; nothing is left in it on the way.
    seed : int
        The first of the five seeds.
    progress : bool
        Whether to show a progress bar.
    """
    plan = PLANS[world]
    environment = make(plan.environment, max_episode_steps=plan.max_steps)
    rules = environment.unwrapped.P
    began = time.perf_counter()
    seeds = range(seed, seed + SEEDS)
    shape = (SEEDS, len(rules), len(rules[0]))
    tables = np.zeros(shape)
    returns, greedy = np.zeros((2, SEEDS, PARTS))
    part = plan.episodes // PARTS
    for place in progress_bar(np.ndindex(SEEDS, PARTS), show=progress, total=SEEDS * PARTS):
        i, number = place
        episodes = learn(
            METHODS[method],
            tables[i],
            environment,
            episodes=part,
            epsilon=LinearSchedule(*plan.epsilon, steps=plan.episodes),
            learning_rate=LinearSchedule(*plan.learning_rate, steps=plan.episodes),
            discount=plan.discount,
            seed=seeds[i],
            first=number * part,
        )
        returns[place] = episodes.returns.mean()
        greedy[place] = expected_return(rules, tables[i].argmax(1), plan.start, plan.max_steps)
    return Trained(
        {"tables": tables, "returns": returns, "greedy": greedy},
        recipe={"world": world, "method": method, "seeds": list(seeds), **asdict(plan)},
        seconds=round(time.perf_counter() - began, 1),
        dtype=np.float32,
    )


def evaluate_tables(
    arrays: Mapping[str, np.ndarray], *, world: str, whole: bool = True
) -> dict[str, Any]:
    """Return the mean return of each table, from episodes played and from the rules.

    Parameters
    ----------
    arrays : mapping
        Of an entry; its tables are those of the seeds from 0 on.
    world : str
        ``frozen-lake`` or ``cliff-walking``.
    whole : bool
        Whether all tables are played, or only the first.
    """
    tables = arrays["tables"] if whole else arrays["tables"][:1]
    return {
        "mean_return": [played_return(world, table, seed) for seed, table in enumerate(tables)],
        "exact": [exact_return(world, table) for table in tables],
    }


def played_return(world: str, table: np.ndarray, seed: int) -> float:
    """Return the mean return of always taking the largest value, from episodes played."""
    plan = PLANS[world]
    environment = make(plan.environment, max_episode_steps=plan.max_steps)
    episodes = evaluate(
        environment, TabularAgent(table).act, episodes=plan.test_episodes, seed=seed
    )
    return float(episodes.returns.mean())


def exact_return(world: str, table: np.ndarray | None = None) -> float:
    """Return the same mean from the rules; without a table, for value iteration's policy."""
    plan = PLANS[world]
    rules = make(plan.environment).unwrapped.P
    if table is None:
        table = value_iteration(rules, min(plan.discount, 0.9999))
    return expected_return(rules, table.argmax(1), plan.start, plan.max_steps)
