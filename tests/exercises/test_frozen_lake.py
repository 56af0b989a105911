"""The lake in assignment 6 is Gymnasium's."""

import pytest
from marking import Assignment, run

gymnasium = pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")


@pytest.fixture(scope="module")
def lake():
    names = {"__name__": "__main__"}
    run(Assignment("ps6-future").setup, names)
    return names["FrozenLake"]


@pytest.mark.parametrize("slippery", [True, False])
def test_outcomes_are_those_of_gymnasium(lake, slippery):
    theirs = gymnasium.make("FrozenLake-v1", is_slippery=slippery)
    ours = lake(slippery=slippery)
    assert ours.limit == theirs.spec.max_episode_steps
    assert ours.observation_space.n == theirs.observation_space.n
    assert ours.action_space.n == theirs.action_space.n
    for state, actions in theirs.unwrapped.P.items():
        for action, outcomes in actions.items():
            expected = [(int(s), float(r), bool(over)) for _, s, r, over in outcomes]
            assert all(p == pytest.approx(1 / len(outcomes)) for p, *_ in outcomes)
            assert ours.outcomes[state][action] == expected


def test_success_rate_is_that_of_many_episodes(lake):
    env = lake()
    policy = [0, 3, 3, 3, 0, 0, 0, 0, 3, 1, 0, 0, 0, 2, 1, 0]  # one of the best
    env.reset(seed=0)
    reached, episodes = 0.0, 4000
    for _ in range(episodes):
        state, over = env.reset()[0], False
        while not over:
            state, reward, terminated, truncated, _ = env.step(policy[state])
            reached += reward
            over = terminated or truncated
    rate = env.success_rate(policy)
    assert rate == pytest.approx(0.74, abs=0.005)
    assert reached / episodes == pytest.approx(rate, abs=0.035)  # five standard deviations
