import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.applications.rl.grid_world import GridWorld
from dlcourse.explore.qtable import qtable


def test_the_rules_travel_with_the_page():
    data = qtable(GridWorld(["S.G", ".#O"], max_steps=7), learning_rate=0.25).data
    assert data["rows"] == ["S.G", ".#O"]
    assert data["learning_rate"] == 0.25
    assert (data["world"]["start"], data["world"]["max_steps"]) == (0, 7)
    assert data["world"]["rules"][1] == [
        [1, 0.0, False],
        [2, 1.0, True],
        [1, 0.0, False],
        [0, 0.0, False],
    ]


def test_no_learning_rate():
    with pytest.raises(ValueError, match="at most 1, found 0"):
        qtable(GridWorld(["SG"]), learning_rate=0)
