"""What the explorer of a game carries to the page."""

import itertools
import json

import pytest

pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
pytest.importorskip("minatar", reason="pip install --no-deps minatar")

from dlcourse.applications.rl.show import load_player
from dlcourse.explore.game import game

ACTIONS = ["stay", "left", "right"]


def test_frames_tell_what_was_seen_expected_and_done():
    data = game(*load_player("rl/breakout-dqn-seed2"), ACTIONS, seed=2).data
    frames = data["frames"]
    assert data["actions"] == ACTIONS and len(frames) > 10
    for before, after in itertools.pairwise(frames):
        assert before["values"][before["chosen"]] == max(before["values"])
        gone = len(before["things"]["brick"]) - len(after["things"]["brick"])
        assert after["total"] - before["total"] == gone  # this game has no second wall
        (r, c), (tr, tc) = after["things"]["ball"][0], after["things"]["trail"][0]
        assert abs(r - tr) <= 1 and abs(c - tc) <= 1
    assert [frame["done"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert len(json.dumps(data)) < 300_000


def test_only_the_first_steps_are_kept():
    player = load_player("rl/breakout-dqn-seed2")
    assert len(game(*player, ACTIONS, most=5).data["frames"]) == 5


def test_names_must_fit_the_actions():
    with pytest.raises(ValueError, match="expected 3 names of actions"):
        game(*load_player("rl/breakout-dqn-seed2"), ["left", "right"])
