"""The replay memory: what is kept, what is forgotten, and what a sample is made of."""

import numpy as np
import pytest

from dlcourse.applications.rl.replay import ReplayMemory


def filled(steps, capacity=10, dtype=np.float32):
    memory = ReplayMemory(capacity, (2,), dtype)
    for i in range(steps):
        memory.add([i, -i], i % 3, i / 2, [i + 1, -i - 1], terminated=i % 4 == 3)
    return memory


@pytest.mark.parametrize("steps", [1, 9, 10, 11, 25, 30])
def test_it_keeps_the_last_steps_whole(steps):
    memory = filled(steps)
    assert len(memory) == min(steps, 10)
    kept = memory.state_dict()
    numbers = kept["observations"][:, 0].astype(int)
    assert sorted(numbers) == list(range(max(0, steps - 10), steps))
    # Every row is one step: nothing of one is mixed with another, before and after the wrap.
    np.testing.assert_array_equal(kept["next_observations"][:, 0], numbers + 1)
    np.testing.assert_array_equal(kept["actions"], numbers % 3)
    np.testing.assert_array_equal(kept["rewards"], numbers / 2)
    np.testing.assert_array_equal(kept["terminated"], numbers % 4 == 3)


def test_a_sample_has_only_what_has_happened():
    memory = filled(3)
    batch = memory.sample(500, np.random.default_rng(0))
    assert set(batch.observations[:, 0]) == {0, 1, 2}  # no row that was never filled


def test_a_sample_is_drawn_evenly_from_all_that_is_kept():
    memory = filled(25)
    batch = memory.sample(20_000, np.random.default_rng(0))
    _, counts = np.unique(batch.observations[:, 0], return_counts=True)
    assert len(counts) == 10
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)


def test_the_same_generator_draws_the_same_sample():
    memory = filled(25)
    first, second = (memory.sample(8, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sample_is_not_changed_by_what_happens_later():
    memory = filled(10)
    batch = memory.sample(50, np.random.default_rng(0))
    before = batch.observations.copy()
    for _ in range(10):
        memory.add([99, 99], 0, 0.0, [99, 99], terminated=False)
    np.testing.assert_array_equal(batch.observations, before)


def test_the_latest_steps_come_in_order_across_the_wrap():
    assert filled(13).latest(5).observations[:, 0].tolist() == [8, 9, 10, 11, 12]
    assert filled(2).latest(5).observations[:, 0].tolist() == [0, 1]
    kept = filled(13).latest(100).observations[:, 0].tolist()
    assert kept == list(range(13 - len(filled(13)), 13))  # each once


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_observations_keep_their_dtype(dtype):
    memory = ReplayMemory(4, (3, 3, 2), dtype)
    memory.add(np.ones((3, 3, 2), dtype), 0, 0.0, np.zeros((3, 3, 2), dtype), terminated=True)
    batch = memory.sample(2, np.random.default_rng(0))
    assert batch.observations.dtype == batch.next_observations.dtype == dtype
    assert batch.rewards.dtype == np.float32


def test_a_state_fills_another_memory_and_one_that_does_not_fit_changes_nothing():
    memory, other = filled(7), filled(12)
    other.load_state_dict(memory.state_dict())
    for name, value in memory.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
    for change in ({"added": 9}, {"added": -1}, {"actions": np.zeros(3)}):
        with pytest.raises(ValueError, match="added must be|is another one: "):
            memory.load_state_dict(memory.state_dict() | change)
    assert memory.added == 7
