"""Planning where the rules are known: against numbers by hand, and against playing."""

import numpy as np
import pytest

from dlcourse.applications.rl import (
    TabularAgent,
    best_return,
    evaluate,
    expected_return,
    make,
    value_iteration,
)
from dlcourse.applications.rl.grid_world import GridWorld


def test_values_by_hand():
    world = GridWorld(["S.G", ".#O"])
    table = value_iteration(world.P, discount=0.5)
    np.testing.assert_allclose(table[1], [0.5, 1.0, 0.5, 0.25])
    np.testing.assert_allclose(table[0], [0.25, 0.5, 0.125, 0.25])
    np.testing.assert_allclose(table[[2, 5]], 0)


def test_chance_is_averaged():
    rules = {
        0: {0: [(0.25, 1, 1.0, True), (0.75, 0, 0.0, False)]},
        1: {0: [(1.0, 1, 5.0, True)]},
    }
    # Q = 0.25 + 0.75 * 0.9 Q
    assert value_iteration(rules, 0.9)[0, 0] == pytest.approx(0.25 / (1 - 0.675))
    policy = np.zeros(2, int)
    assert expected_return(rules, policy, 0, steps=1) == pytest.approx(0.25)
    assert expected_return(rules, policy, 0, steps=3) == pytest.approx(1 - 0.75**3)


def test_the_exact_mean_is_what_playing_gives():
    pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
    environment = make("FrozenLake-v1")
    rules = environment.unwrapped.P
    table = value_iteration(rules, 0.99)
    exact = expected_return(rules, table.argmax(1), 0, steps=100)
    assert exact == pytest.approx(0.74, abs=0.001)
    played = evaluate(environment, TabularAgent(table).act, episodes=2000).returns
    # The mean of 2,000 throws with chance 0.74 has a standard deviation of 0.0098.
    assert played.mean() == pytest.approx(exact, abs=0.03)


def test_with_a_clock_the_best_is_what_trying_all_plans_gives():
    # Action 0 wins half of the time and else ends the game; action 1 wins surely, two steps later.
    rules = {
        0: {0: [(0.5, 1, 1.0, True), (0.5, 1, 0.0, True)], 1: [(1.0, 2, 0.0, False)]},
        1: {0: [(1.0, 1, 0.0, True)], 1: [(1.0, 1, 0.0, True)]},
        2: {0: [(1.0, 1, 1.0, True)], 1: [(1.0, 0, 0.0, False)]},
    }
    assert best_return(rules, start=0, steps=0) == 0.0
    assert best_return(rules, start=0, steps=1) == 0.5  # too late for action 1
    assert best_return(rules, start=0, steps=2) == 1.0


def test_on_the_frozen_lake_a_clock_is_worth_less_than_half_a_percentage_point():
    pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
    rules = make("FrozenLake-v1").unwrapped.P
    without = expected_return(rules, value_iteration(rules, 0.99).argmax(1), 0, steps=100)
    best = best_return(rules, 0, steps=100)
    assert (without, best) == pytest.approx((0.740165, 0.744190), abs=1e-6)
