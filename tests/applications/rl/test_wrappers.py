"""Frame stacking and reward clipping, in Gymnasium's interface."""

import numpy as np
import pytest

gym = pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")

from dlcourse.applications.rl.wrappers import ClipReward, FrameStack


class Counter(gym.Env):
    """Shows the number of the step in each of (1, 1, channels), and gives it times ten."""

    def __init__(self, channels=1):
        self.observation_space = gym.spaces.Box(0, 9, (1, 1, channels), np.uint8)
        self.action_space = gym.spaces.Discrete(2)

    def _shown(self):
        return np.full(self.observation_space.shape, self.n, np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n = 1
        return self._shown(), {"seed": seed}

    def step(self, action):
        self.n += 1
        return self._shown(), 10.0 * (-1) ** action, self.n == 4, self.n == 5, {}


def test_a_stack_begins_with_the_first_frame_and_slides():
    env = FrameStack(Counter(), 3)
    seen = [env.reset(seed=5)[0]] + [env.step(0)[0] for _ in range(3)]
    assert [s.ravel().tolist() for s in seen] == [[1, 1, 1], [1, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert all(s.dtype == np.uint8 and env.observation_space.contains(s) for s in seen)
    assert env.reset()[0].ravel().tolist() == [1, 1, 1]  # nothing of the last episode is left


def test_a_stack_passes_the_rest_through():
    env = FrameStack(Counter(channels=2), 2)
    assert env.observation_space.shape == (1, 1, 4)
    assert env.reset(seed=7)[1] == {"seed": 7}
    ends = [env.step(1)[1:4] for _ in range(4)]
    assert ends[2] == (-10.0, True, False)
    assert ends[3] == (-10.0, False, True)


def test_a_stack_is_not_changed_by_later_steps():
    env = FrameStack(Counter(), 2)
    first, _ = env.reset()
    before = first.copy()
    env.step(0)
    np.testing.assert_array_equal(first, before)


def test_rewards_are_cut_off():
    env = ClipReward(Counter())
    env.reset()
    assert [env.step(action)[1] for action in (0, 1)] == [1.0, -1.0]
    assert env.reward(0.25) == 0.25


def test_what_cannot_be_stacked_is_refused():
    with pytest.raises(ValueError, match="at least 1 frame"):
        FrameStack(Counter(), 0)
    with pytest.raises(ValueError, match="observations that are arrays"):
        FrameStack(gym.make("FrozenLake-v1"), 2)
