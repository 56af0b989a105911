"""Targets and learning steps of DQN, by numbers worked by hand."""

import numpy as np
import pytest

from dlcourse.applications.rl.dqn import DQN, QAgent, q_targets
from dlcourse.applications.rl.replay import Transitions
from dlcourse.models.q_networks import MLPQNetwork
from dlcourse.optim import SGD

REWARDS = np.array([1.0, 0.0, -1.0])
LATER = np.array([[2.0, 5.0], [3.0, 1.0], [7.0, 9.0]])


def test_targets_add_the_best_that_follows_unless_the_task_has_ended():
    ended = np.array([False, False, True])
    # 1 + 0.5 * 5, 0 + 0.5 * 3, and -1 alone.
    np.testing.assert_array_equal(q_targets(REWARDS, ended, LATER, 0.5), [3.5, 1.5, -1.0])


def test_a_truncated_episode_has_a_future():
    # The memory is told `terminated` only; a step that was cut off is like any other.
    assert q_targets(REWARDS[2:], np.array([False]), LATER[2:], 0.5) == pytest.approx(-1 + 4.5)


def test_double_targets_are_the_values_of_the_other_networks_choice():
    ended, choice = np.array([False, False, True]), np.array([0, 1, 0])
    # 1 + 0.5 * 2, 0 + 0.5 * 1, and -1 alone.
    np.testing.assert_array_equal(q_targets(REWARDS, ended, LATER, 0.5, choice), [2.0, 0.5, -1.0])


def test_double_targets_are_never_above_plain_ones():
    rng = np.random.default_rng(0)
    later = rng.standard_normal((100, 4))
    args = np.zeros(100), np.zeros(100, bool), later, 0.9
    double = q_targets(*args, rng.integers(4, size=100))
    assert (double <= q_targets(*args)).all()
    np.testing.assert_array_equal(q_targets(*args, later.argmax(axis=1)), q_targets(*args))


def linear_agent(**options):
    """An agent whose values are the weights' products with the observation, and two inputs."""
    network = MLPQNetwork(2, 2, hidden=(), rng=np.random.default_rng(0))
    network.head.weight.data[...] = [[1, 0], [0, 2]]
    return DQN(network, SGD(network.parameters(), lr=1.0), discount=0.5, **options)


def one_step(reward=0.0, terminated=False):
    return Transitions(
        np.array([[1.0, 0.0]], np.float32),
        np.array([0]),
        np.array([reward], np.float32),
        np.array([[0.0, 1.0]], np.float32),
        np.array([terminated]),
    )


def test_a_learning_step_moves_only_the_action_that_was_taken():
    agent = linear_agent()
    # q(s, 0) = 1; the target is 0.25 + 0.5 * max(0, 2) = 1.25; Huber's slope is -0.25.
    loss = agent.learn(one_step(reward=0.25))
    assert loss == pytest.approx(0.25**2 / 2)
    np.testing.assert_allclose(agent.network.head.weight.data, [[1.25, 0], [0, 2]])
    np.testing.assert_allclose(agent.network.head.bias.data, [0.25, 0])


@pytest.mark.parametrize(("delta", "step"), [(1.0, 1.0), (10.0, 0.4)])
def test_large_errors_pull_no_harder_than_delta(delta, step):
    agent = linear_agent(delta=delta)
    agent.learn(one_step(reward=5.0, terminated=True))  # an error of 4
    assert agent.network.head.weight.data[0, 0] == pytest.approx(1 + step)


def test_the_target_network_stands_still_between_copies():
    agent = linear_agent(target_every=2)
    before = agent.target.head.weight.data.copy()
    agent.learn(one_step(reward=0.25))
    np.testing.assert_array_equal(agent.target.head.weight.data, before)
    assert (agent.network.head.weight.data != before).any()
    agent.learn(one_step(reward=7.0))
    np.testing.assert_array_equal(agent.target.head.weight.data, agent.network.head.weight.data)
    assert (agent.target.head.weight.data != before).any()


def test_without_a_copy_the_target_is_the_network_itself():
    agent = linear_agent(target_every=0)
    agent.learn(one_step(reward=1.0))
    assert agent.target.head.weight.data is agent.network.head.weight.data


def test_double_takes_its_choice_from_the_online_network():
    agent = linear_agent(double=True)
    agent.target.head.weight.data[...] = [[0, 0.5], [0, 3]]
    agent.network.head.weight.data[...] = [[1, 4], [0, 2]]
    # Online prefers action 0 in the next state; the target network gives it 0.5: y = 0.25.
    assert agent.learn(one_step()) == pytest.approx(0.75**2 / 2)


def test_an_agent_acts_by_its_values():
    agent = QAgent(linear_agent().network)
    np.testing.assert_allclose(agent.q_values(np.array([3.0, 1.0])), [3, 2])
    assert agent.act(np.array([3.0, 1.0])) == 0
    assert agent.act(np.array([1.0, 3.0])) == 1
