"""Q-learning and SARSA: single updates against numbers by hand, whole runs against truth."""

import numpy as np
import pytest

from dlcourse.applications.rl import (
    LinearSchedule,
    TabularAgent,
    Transition,
    evaluate,
    learn,
    play,
    q_learning,
    q_learning_target,
    sarsa,
    sarsa_target,
)
from dlcourse.applications.rl.grid_world import GridWorld

TABLE = np.array([[0.0, 0.5], [0.2, 0.6], [1.0, 0.0]])
UP, RIGHT, DOWN, LEFT = range(4)


def constant(value):
    return lambda episode: value


def walk(*actions):
    """Act by a list, whatever is observed."""
    following = iter(actions)
    return lambda state: next(following)


def test_target_of_a_step_on_the_way():
    step = Transition(0, 1, 2.0, 1, False, False)
    assert q_learning_target(TABLE, step, 0.9) == pytest.approx(2 + 0.9 * 0.6)
    assert sarsa_target(TABLE, step, 0, 0.9) == pytest.approx(2 + 0.9 * 0.2)


@pytest.mark.parametrize("truncated", [False, True])
def test_nothing_comes_after_a_termination(truncated):
    step = Transition(0, 1, 2.0, 1, True, truncated)
    assert q_learning_target(TABLE, step, 0.9) == 2
    assert sarsa_target(TABLE, step, 0, 0.9) == 2


def test_more_would_have_come_after_a_truncation():
    step = Transition(0, 1, 2.0, 1, False, True)
    assert q_learning_target(TABLE, step, 0.9) == pytest.approx(2 + 0.9 * 0.6)
    assert sarsa_target(TABLE, step, 0, 0.9) == pytest.approx(2 + 0.9 * 0.2)


def test_an_episode_of_q_learning_by_hand():
    table = np.zeros((3, 4))
    table[1, RIGHT] = 0.8
    steps = q_learning(
        table, GridWorld(["S.G"]), walk(RIGHT, RIGHT), learning_rate=0.5, discount=0.9
    )
    next(steps)  # 0 + 0.5 (0 + 0.9 * 0.8 - 0)
    assert table[0, RIGHT] == pytest.approx(0.36)
    next(steps)  # 0.8 + 0.5 (1 - 0.8)
    assert table[1, RIGHT] == pytest.approx(0.9)
    assert not list(steps)
    assert np.count_nonzero(table) == 2


def test_an_episode_of_sarsa_by_hand():
    table = np.zeros((3, 4))
    table[1] = [0.4, 0.8, 0.0, 0.0]
    actions = walk(RIGHT, UP, RIGHT)
    steps = sarsa(table, GridWorld(["S.G"]), actions, learning_rate=0.5, discount=0.9)
    next(steps)  # goes on with up: 0 + 0.5 (0 + 0.9 * 0.4 - 0)
    assert table[0, RIGHT] == pytest.approx(0.18)
    assert next(steps).action == UP  # stays; goes on with right: 0.4 + 0.5 (0.9 * 0.8 - 0.4)
    assert table[1, UP] == pytest.approx(0.56)
    next(steps)
    assert table[1, RIGHT] == pytest.approx(0.9)


def test_sarsa_chooses_an_action_where_the_time_is_up():
    table = np.zeros((3, 4))
    table[1, UP] = 0.4
    world = GridWorld(["S.G"], max_steps=1)
    steps = list(sarsa(table, world, walk(RIGHT, UP), learning_rate=0.5, discount=0.9))
    assert [(step.terminated, step.truncated) for step in steps] == [(False, True)]
    assert table[0, RIGHT] == pytest.approx(0.18)


@pytest.mark.parametrize("method", [q_learning, sarsa])
def test_values_fall_by_the_discount_with_each_step_from_the_goal(method):
    world = GridWorld(["S.#G", "....", "O#O."])
    table = np.zeros((12, 4))
    learn(
        method,
        table,
        world,
        episodes=2000,
        epsilon=LinearSchedule(1.0, 0.0, steps=1000),
        learning_rate=constant(0.5),
        discount=0.9,
    )
    assert table[0].max() == pytest.approx(0.9**4, abs=1e-3)
    episodes = evaluate(world, TabularAgent(table).act, episodes=1)
    assert episodes.lengths[0] == 5
    assert episodes.terminated[0]


@pytest.mark.parametrize("method", [q_learning, sarsa])
def test_the_same_seed_learns_the_same(method):
    def run(seed):
        table = np.zeros((6, 4))
        episodes = learn(
            method,
            table,
            GridWorld(["S.#", "..G"]),
            episodes=20,
            epsilon=constant(0.3),
            learning_rate=constant(0.3),
            discount=0.9,
            seed=seed,
        )
        return table, episodes.lengths

    for first, again in zip(run(0), run(0), strict=True):
        assert (first == again).all()
    assert (run(0)[0] != run(1)[0]).any()


def test_learning_in_parts_is_learning_at_once():
    def run(*parts):
        table = np.zeros((6, 4))
        first, lengths = 0, []
        for part in parts:
            episodes = learn(
                q_learning,
                table,
                GridWorld(["S.#", "..G"]),
                episodes=part,
                epsilon=LinearSchedule(1.0, 0.0, steps=30),
                learning_rate=LinearSchedule(0.5, 0.1, steps=30),
                discount=0.9,
                first=first,
            )
            first += part
            lengths += episodes.lengths.tolist()
        return table.tolist(), lengths

    assert run(30) == run(10, 5, 15)


def test_the_agent_takes_the_largest_and_tells_what_it_expects():
    agent = TabularAgent(TABLE)
    assert [agent.act(state) for state in range(3)] == [1, 1, 0]
    assert agent.q_values(1).tolist() == [0.2, 0.6]
    assert len(list(play(GridWorld(["SG"]), TabularAgent(np.eye(2, 4, 1)).act))) == 1
