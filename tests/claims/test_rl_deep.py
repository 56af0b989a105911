"""What the records of the deep agents claim, played again with the shipped weights."""

import numpy as np
import pytest

from dlcourse import zoo

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
pytest.importorskip("minatar", reason="pip install --no-deps minatar")

from dlcourse.applications.rl import evaluate
from dlcourse.applications.rl.deep_training import FINAL
from dlcourse.applications.rl.dqn_recipe import AGENTS, load_agent, random_play


@pytest.mark.parametrize("name", AGENTS)
def test_agents_play_as_their_records_say(name):
    record = zoo.record(name)
    returns = record["test"]["returns"]
    assert len(returns) == record["test"]["episodes"] == 100
    assert record["test"]["mean"] == pytest.approx(np.mean(returns), abs=1e-3)
    # The same games again, the first few of the hundred. Two values that are nearly equal may be
    # ordered differently by another BLAS, and then a game goes another way: most must agree.
    agent, environment = load_agent(name)
    count = 5 if record["recipe"]["game"] == "CartPole-v1" else 20
    again = evaluate(environment, agent.act, episodes=count, seed=FINAL).returns
    assert np.mean(again == returns[:count]) >= 0.8


@pytest.mark.parametrize("variant", ["dqn", "double", "dueling"])
def test_four_of_five_seeds_balance_the_pole(variant):
    records = [zoo.record(f"rl/cartpole-{variant}-seed{seed}") for seed in range(5)]
    assert sum(record["test"]["mean"] >= 475 for record in records) >= 4


def test_breakout_is_played_ten_times_as_well_as_by_chance():
    chance = random_play("breakout", 10_000).returns.mean()
    means = [zoo.record(f"rl/breakout-dqn-seed{seed}")["test"]["mean"] for seed in range(5)]
    assert np.mean(means) >= 10 * chance
