from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.explore import plots
from dlcourse.models import summary
from dlcourse.nn import Conv2d, Flatten, Linear, Sequential


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """Draw without a screen, and close the figures after each test."""
    backend = matplotlib.get_backend()
    matplotlib.use("agg")
    monkeypatch.setattr(plt, "show", lambda: plt.gcf().canvas.draw())
    yield
    plt.close("all")
    matplotlib.use(backend)


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_panels_name_every_line_and_keep_its_look():
    x = [1, 2, 3]
    plots.panels(
        {"left": {"a": (x, [3, 2, 1]), "b": (x, [3, 2, 0.9])}, "right": {"b": (x, [1, 1, 1])}},
        "step",
        "loss",
    )
    left, right = plt.gcf().axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert texts(left) == ["a", "b"] and texts(right) == ["b"]
    a, b = left.lines
    assert a.get_color() != b.get_color() and a.get_linestyle() != b.get_linestyle()
    assert right.lines[0].get_color() == b.get_color()
    assert left.get_ylim() == right.get_ylim()


def test_names_of_lines_that_end_together_do_not_cover_each_other():
    lines = {str(i): ([1, 2], [i, 5]) for i in range(7)}
    plots.panels({"": lines}, "x", "y")
    axis = plt.gcf().axes[0]
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) == 7
    tops_and_bottoms = sorted((box.y0, box.y1) for box in boxes)
    for (_, top), (bottom, _) in pairwise(tops_and_bottoms):
        assert bottom > top - 3  # text has a little air of its own


def test_panels_leave_out_what_is_not_a_number():
    plots.panels({"": {"": ([1, 2, 3], [1.0, np.inf, np.nan])}}, "x", "y", log="xy")
    axis = plt.gcf().axes[0]
    assert axis.get_xscale() == axis.get_yscale() == "log"
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), [1, np.nan, np.nan])


def test_panels_draw_a_level_in_each_and_name_it_once():
    panel = {"": ([1, 2], [1.0, 2.0])}
    plots.panels({"a": panel, "b": panel, "c": panel}, "x", "y", level=(1.5, "so"), limits=(0, 9))
    *used, spare = plt.gcf().axes
    assert [axis.lines[-1].get_ydata()[0] for axis in used] == [1.5, 1.5, 1.5]
    assert ["so" in texts(axis) for axis in used] == [True, False, False]
    assert used[0].get_ylim() == (0, 9)
    assert not spare.axison


def test_seeds_draw_a_row_a_method_with_its_mean():
    plots.seeds({"plain": [1.0, 3.0], "better": [4.0, 5.0, 9.0]}, "accuracy in %")
    axis = plt.gcf().axes[0]
    dots, bars = axis.lines[::2], axis.lines[1::2]
    assert [list(line.get_xdata()) for line in dots] == [[1, 3], [4, 5, 9]]
    assert [set(line.get_xdata()) for line in bars] == [{2}, {6}]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["plain", "better"]


@pytest.mark.parametrize("values", [{}, {"plain": []}])
def test_seeds_need_a_number_each(values):
    with pytest.raises(ValueError, match="at least one method with one number each"):
        plots.seeds(values, "accuracy")


@pytest.mark.parametrize(("level", "names"), [(None, ["conv 1", "linear 1"]), (1, ["0", "2"])])
def test_shares_add_up_to_a_hundred(level, names):
    rng = np.random.default_rng(0)
    net = Sequential(Conv2d(1, 2, 3, rng=rng), Flatten(), Linear(8, 3, rng=rng))
    plots.shares(summary(net, (1, 4, 4)), level)
    axis = plt.gcf().axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == names
    parameters, work = ([bar.get_width() for bar in c] for c in axis.containers)
    assert parameters == pytest.approx([100 * 20 / 47, 100 * 27 / 47])
    assert work == pytest.approx([100 * 72 / 96, 100 * 24 / 96])


def test_panels_need_a_line():
    with pytest.raises(ValueError, match="at least one line"):
        plots.panels({"empty": {}}, "x", "y")


@pytest.mark.parametrize("log", ["", "y"])
def test_names_stand_at_the_height_where_lines_end(log):
    lines = {"low": ([1, 2], [50, 0.01]), "middle": ([1, 2], [1, 10]), "high": ([1, 2], [1, 100])}
    plots.panels({"": lines}, "x", "y", log=log)
    axis = plt.gcf().axes[0]
    for text in axis.texts:
        if log or text.get_text() == "high":
            end = lines[text.get_text()][1][-1]
            y = axis.transAxes.inverted().transform(axis.transData.transform((1, end)))[1]
            assert text.get_position()[1] == pytest.approx(y, abs=0.04)


def test_grids_write_every_number_and_mark_some():
    plots.grids({"x": [[1, -2.5], [np.nan, 1111]], "dx": [[-0.0]]}, marks={"x": [(0, 1)]})
    (axis,) = plt.gcf().axes
    assert sorted(texts(axis)) == sorted(["x", "1", "\N{MINUS SIGN}2.5", "1111", "dx", "0"])
    bold = [text.get_text() for text in axis.texts if text.get_fontweight() == "bold"]
    assert bold == ["\N{MINUS SIGN}2.5"]
    thick = [patch for patch in axis.patches if patch.get_linewidth() > 2]
    assert [patch.get_xy() for patch in thick] == [(1, 0)]  # not by colour alone


def test_grids_are_tables():
    with pytest.raises(ValueError, match=r"two axes, found \(3,\) for 'b'"):
        plots.grids({"b": [1, 2, 3]})
