"""What the records of the deep agents claim, played again with the shipped weights."""

import numpy as np
import pytest

from dlcourse import zoo

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
pytest.importorskip("minatar", reason="pip install --no-deps minatar")

from dlcourse.applications.rl.dqn_recipe import random_play
from dlcourse.entries import ENTRIES

SHIPPED = [
    name
    for name, entry in ENTRIES.items()
    if name.startswith(("rl/cartpole", "rl/breakout")) and entry.ships
]


@pytest.mark.parametrize("name", SHIPPED)
def test_agents_play_as_their_records_say(name):
    known = zoo.record(name)["test"]
    assert len(known["returns"]) == known["episodes"] == 100
    assert known["mean"] == pytest.approx(np.mean(known["returns"]), abs=1e-3)
    # The same games again, the first few of the hundred. Two values that are nearly equal may be
    # ordered differently by another BLAS, and then a game goes another way: most must agree.
    again = np.array(ENTRIES[name].evaluate(zoo.load(name), whole=False)["returns"])
    assert np.mean(again == known["returns"][: len(again)]) >= 0.8


@pytest.mark.parametrize("variant", ["dqn", "double", "dueling"])
def test_four_of_five_seeds_balance_the_pole(variant):
    records = [zoo.record(f"rl/cartpole-{variant}-seed{seed}") for seed in range(5)]
    assert sum(record["test"]["mean"] >= 475 for record in records) >= 4


def test_breakout_is_played_ten_times_as_well_as_by_chance():
    chance = random_play("breakout", 10_000).returns.mean()
    means = [zoo.record(f"rl/breakout-dqn-seed{seed}")["test"]["mean"] for seed in range(5)]
    assert np.mean(means) >= 10 * chance
