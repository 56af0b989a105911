"""The runs behind the shipped tables, made short."""

import sys
from dataclasses import replace

import pytest

from dlcourse.applications.rl import make, tabular_recipe
from dlcourse.applications.rl.tabular_recipe import PLANS, evaluate_tables, train_tables


def test_without_gymnasium_there_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ImportError, match=r"FrozenLake-v1 needs Gymnasium.*'dlcourse\[rl\]'"):
        make("FrozenLake-v1")


@pytest.mark.parametrize("world", PLANS)
def test_a_short_run_is_repeatable_and_says_what_it_did(tmp_path, monkeypatch, world):
    pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
    short = replace(PLANS[world], episodes=100, test_episodes=2)
    monkeypatch.setitem(tabular_recipe.PLANS, world, short)
    monkeypatch.setattr(tabular_recipe, "SEEDS", 2)

    def run(seed):
        return train_tables(world, "sarsa", tmp_path, seed=seed, progress=False)

    first, again, next_seed = run(0), run(0), run(1)
    assert first.recipe["seeds"] == [0, 1]
    for key, array in first.arrays.items():
        assert (array == again.arrays[key]).all()
        assert (array[1] == next_seed.arrays[key][0]).all()  # the seed is all that decides a table
    assert (first.arrays["tables"][0] != first.arrays["tables"][1]).any()
    test = evaluate_tables(first.arrays, world=world)
    assert len(test["mean_return"]) == len(test["exact"]) == 2
