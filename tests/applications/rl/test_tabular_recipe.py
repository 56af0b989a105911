"""The runs behind the shipped tables, made short."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from dlcourse.applications.rl import make, tabular_recipe
from dlcourse.applications.rl.tabular_recipe import PLANS, run_tabular
from dlcourse.nn.weights import load_arrays


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

    def run(name, seed):
        record = run_tabular(
            world, "sarsa", tmp_path / name, command="it", seed=seed, progress=False
        )
        return record, load_arrays(tmp_path / name / "weights.npz")

    (record, first), (_, again), (_, next_seed) = run("a", 0), run("b", 0), run("c", 1)
    assert record["recipe"]["seeds"] == [0, 1]
    assert len(record["test"]["mean_return"]) == len(record["test"]["exact"]) == 2
    for key, array in first.items():
        assert array.dtype == np.float32
        assert (array == again[key]).all()
        assert (array[1] == next_seed[key][0]).all()  # the seed is all that decides a table
    assert (first["tables"][0] != first["tables"][1]).any()
