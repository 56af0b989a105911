"""What the records of the learned tables claim, played again with the shipped tables."""

import numpy as np
import pytest

from dlcourse import zoo

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")

from dlcourse.applications.rl.tabular_recipe import METHODS, PLANS, exact_return, played_return

NAMES = [f"rl/{world}-{method}" for world in PLANS for method in METHODS]


@pytest.mark.parametrize("seed", range(5))
def test_q_learning_walks_the_frozen_lake(seed):
    record = zoo.record("rl/frozen-lake-q-learning")
    table = zoo.arrays("rl/frozen-lake-q-learning")["tables"][seed]
    assert record["recipe"]["test_episodes"] == 10_000
    success = played_return("frozen-lake", table, seed)
    assert success == record["test"]["mean_return"][seed] >= 0.70


@pytest.mark.parametrize("name", NAMES)
def test_exact_returns_are_those_of_the_record(name):
    record = zoo.record(name)
    world, count = record["recipe"]["world"], record["recipe"]["test_episodes"]
    found = [exact_return(world, table) for table in zoo.arrays(name)["tables"]]
    assert len(found) == len(record["recipe"]["seeds"]) == 5
    assert found == pytest.approx(record["test"]["exact"])
    assert max(found) <= exact_return(world) + 1e-9
    # Rates of success p from n episodes have a standard deviation of sqrt(p (1 - p) / n).
    played = record["test"]["mean_return"]
    error = 4 * np.sqrt(0.25 / count) if world == "frozen-lake" else 0
    assert found == pytest.approx(played, abs=error)


def test_on_the_cliff_q_learning_finds_the_shortest_path_and_sarsa_falls_less():
    found = {method: zoo.record(f"rl/cliff-walking-{method}")["test"] for method in METHODS}
    assert found["q-learning"]["exact"] == [-13] * 5
    assert max(found["sarsa"]["exact"]) < -13
    late = {m: zoo.arrays(f"rl/cliff-walking-{m}")["returns"][:, -50:].mean(1) for m in METHODS}
    assert (late["sarsa"] > late["q-learning"] + 10).all()
