import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.tile import tile
from dlcourse.lessons.ladder.tiles import Core


def test_what_the_browser_gets():
    data = tile(6, 2, Core(registers=16, lanes=8)).data
    assert (data["pixels"], data["outputs"]) == (6, 2)
    assert data["core"]["registers"] == 16 and data["core"]["latency"] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1), "found 0 and 1"),
        ((17, 1), "1 to 16 pixels"),
        ((1, 7), "found 1 and 7"),
        ((1, 1, Core(registers=8)), "found 8 and 16"),
        ((1, 1, Core(lanes=3)), "one of 4, 8, 16, found 32 and 3"),
    ],
)
def test_what_the_reader_can_choose(arguments, message):
    with pytest.raises(ValueError, match=message):
        tile(*arguments)
