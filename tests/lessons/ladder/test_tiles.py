import pytest

from dlcourse.lessons.ladder.tiles import Core, bound, choose


def test_a_single_sum_waits_for_itself():
    found = bound(1, 1, Core())
    assert (found.needed, found.spilled, found.loads) == (3, 0, 2)
    assert found.share == 1 / 8  # two products a cycle, four cycles each


def test_one_register_of_outputs_is_held_up_by_loads():
    assert bound(14, 1, Core()).share == pytest.approx(14 / 15)


def test_a_tile_that_fits_reaches_the_peak_and_one_that_does_not_does_not():
    narrow = Core(registers=16, lanes=8)
    assert bound(6, 2, narrow).share == 1 and bound(6, 2, narrow).needed == 15
    assert bound(7, 2, narrow).spilled == 1 and bound(7, 2, narrow).share < 1
    assert bound(7, 2, Core()).share == 1


@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 0)])
def test_a_tile_is_not_empty(p, q):
    with pytest.raises(ValueError, match=f"found {p} and {q}"):
        bound(p, q, Core())


@pytest.mark.parametrize("core", [Core(), Core(16, 8), Core(32, 4), Core(16, 4)])
@pytest.mark.parametrize("width", [1, 2, 7, 13, 14, 17, 28, 224])
@pytest.mark.parametrize("outputs", [1, 4, 16, 512])
def test_the_chosen_tile_fits(core, width, outputs):
    p, q = choose(width, outputs, core)
    assert 1 <= p <= width and bound(p, q, core).spilled == 0
    assert -(-width // p) * p - width < p  # no tile is wholly beyond the row
