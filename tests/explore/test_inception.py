import itertools

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.inception import PUBLISHED, inception

ORDER = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]


def outputs(block):
    _, _, ch1x1, _, ch3x3, _, ch5x5, pool_proj = block
    return ch1x1 + ch3x3 + ch5x5 + pool_proj


def test_published_blocks_fit_each_other():
    assert list(PUBLISHED) == ORDER
    for before, after in itertools.pairwise(ORDER):
        assert outputs(PUBLISHED[before]) == PUBLISHED[after][0]
    assert outputs(PUBLISHED["5b"]) == 1024
    assert [PUBLISHED[name][1] for name in ORDER] == [28] * 2 + [14] * 5 + [7] * 2


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({}, "found none"),
        ({"it": (192, 28, 64)}, "block 'it' must have 8 values .*, found 3"),
        ({"it": (192, 28, 60, 96, 128, 16, 32, 32)}, "multiples of 8 from 8 to 1024"),
        ({"it": (2048, 28, 64, 96, 128, 16, 32, 32)}, "multiples of 8 from 8 to 1024"),
        ({"it": (192, 0, 64, 96, 128, 16, 32, 32)}, "its size at least 1"),
    ],
)
def test_blocks_are_checked(blocks, message):
    with pytest.raises(ValueError, match=message):
        inception(blocks)
