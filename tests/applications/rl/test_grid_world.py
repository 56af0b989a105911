"""The grid world: its map, its rules, and Gymnasium's own check."""

import warnings

import pytest

from dlcourse.applications.rl.grid_world import GridWorld

MAP = ["S.G", ".#O"]
UP, RIGHT, DOWN, LEFT = range(4)


def test_walls_and_edges_stop():
    world = GridWorld(MAP)
    world.reset()
    assert world.step(UP)[0] == 0  # the edge
    assert world.step(LEFT)[0] == 0
    assert world.step(DOWN)[0] == 3
    assert world.step(RIGHT)[:4] == (3, 0.0, False, False)  # the wall
    assert world.step(UP)[0] == 0
    assert world.step(RIGHT)[0] == 1
    assert world.step(DOWN)[0] == 1  # the wall from above


def test_the_goal_and_the_pit_end_an_episode():
    world = GridWorld(["SG", "O."])
    world.reset()
    assert world.step(RIGHT) == (1, 1.0, True, False, {})
    assert world.reset() == (0, {})
    assert world.step(DOWN) == (2, -1.0, True, False, {})


def test_the_time_is_up_after_the_last_step():
    world = GridWorld(MAP, max_steps=2)
    world.reset()
    assert world.step(UP)[2:4] == (False, False)
    assert world.step(UP)[2:4] == (False, True)
    world.reset()
    assert world.step(UP)[3] is False
    both = GridWorld(["SG"], max_steps=1)
    both.reset()
    assert both.step(RIGHT)[2:4] == (True, True)


def test_its_table_of_outcomes_is_what_happens():
    world = GridWorld(["S.#", "O.G"])
    for state in (0, 1, 4):
        for action in range(4):
            world.reset()
            world._state = state
            probability, *outcome = world.P[state][action][0]
            assert probability == 1
            assert list(world.step(action)[:3]) == outcome
    assert world.P[5][UP] == [(1.0, 5, 0.0, True)]  # nothing follows the goal


def test_the_picture_shows_the_agent():
    world = GridWorld(MAP)
    world.reset()
    assert world.render() == "@.G\n.#O"
    world.step(RIGHT)
    assert world.render() == "S@G\n.#O"


def test_gymnasium_accepts_it():
    env_checker = pytest.importorskip(
        "gymnasium.utils.env_checker", reason="pip install 'dlcourse[rl]'"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*not having a spec")  # it is not registered
        env_checker.check_env(GridWorld(MAP))
