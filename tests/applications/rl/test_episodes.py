"""Episodes: who is asked for what, how they end, and that a seed decides them."""

import numpy as np
import pytest

from dlcourse.applications.rl import LinearSchedule, episode_seed, epsilon_greedy, evaluate, play
from dlcourse.applications.rl.grid_world import GridWorld
from dlcourse.training import Stream


class Dice:
    """Pays what a die shows until it shows six, or three times."""

    def reset(self, *, seed=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.left = 3
        return 0, {}

    def step(self, action):
        shown = int(self.rng.integers(1, 7))
        self.left -= 1
        return shown, shown * action, shown == 6, self.left == 0, {}


def test_each_step_follows_the_one_before():
    seen = []

    def act(observation):
        seen.append(observation)
        return 1

    steps = list(play(Dice(), act, seed=3))
    assert seen == [step.observation for step in steps]
    assert [0, *(step.next_observation for step in steps[:-1])] == seen
    assert [step.reward for step in steps] == [float(step.next_observation) for step in steps]
    assert not any(step.terminated or step.truncated for step in steps[:-1])


def test_returns_lengths_and_ends():
    episodes = evaluate(Dice(), lambda observation: 1, episodes=200)
    shown = [
        list(play(Dice(), lambda o: 1, seed=episode_seed(0, Stream.EVALUATE, i)))
        for i in range(200)
    ]
    assert episodes.returns.tolist() == [sum(step.reward for step in steps) for steps in shown]
    assert episodes.lengths.tolist() == [len(steps) for steps in shown]
    assert episodes.terminated.tolist() == [steps[-1].next_observation == 6 for steps in shown]
    assert 0.3 < episodes.terminated.mean() < 0.55  # 1 - (5/6)^3 = 0.42
    assert (episodes.lengths[~episodes.terminated] == 3).all()


def test_a_seed_decides_the_episodes():
    def returns(seed):
        return evaluate(Dice(), lambda observation: 1, episodes=20, seed=seed).returns.tolist()

    assert returns(0) == returns(0)
    assert returns(0) != returns(1)
    with pytest.raises(ValueError, match="at least one episode to play, found episodes=0"):
        evaluate(GridWorld(["SG"]), lambda observation: 1, episodes=0)


def test_epsilon_greedy_explores_as_often_as_it_says():
    rng = np.random.default_rng(0)
    chosen = [epsilon_greedy(np.array([0.0, 1.0, 0.0, 0.0]), 0.4, rng) for _ in range(4000)]
    share = np.bincount(chosen, minlength=4) / 4000
    np.testing.assert_allclose(share, [0.1, 0.7, 0.1, 0.1], atol=0.03)


def test_equals_are_drawn_and_not_the_first_taken():
    rng = np.random.default_rng(0)
    chosen = [epsilon_greedy(np.array([1.0, 0.0, 1.0]), 0.0, rng) for _ in range(1000)]
    np.testing.assert_allclose(np.bincount(chosen) / 1000, [0.5, 0.0, 0.5], atol=0.06)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_chance_where_there_is_nothing_to_choose(dtype):
    rng = np.random.default_rng(0)
    values = np.array([-2.0, -1.0, -3.0], dtype)
    assert {epsilon_greedy(values, 0.0, rng) for _ in range(100)} == {1}


def test_a_schedule_goes_along_a_line_and_stays():
    schedule = LinearSchedule(1.0, 0.2, steps=4)
    assert [schedule(step) for step in (0, 1, 2, 4, 5, 99)] == pytest.approx(
        [1.0, 0.8, 0.6, 0.2, 0.2, 0.2]
    )
    with pytest.raises(ValueError, match="at least one step, found steps=0"):
        LinearSchedule(1, 0, 0)
