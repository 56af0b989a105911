import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.plots import plot_roofline
from dlcourse.explore.roofline import STEPS, Layer, roofline
from dlcourse.machine import Machine
from dlcourse.training import Cost

MACHINE = Machine(2, "float32", 40e9, 10e9)


def test_the_browser_gets_limits_layers_and_steps():
    data = roofline(MACHINE, {"it": Layer(4, 64, 128, size=14, kernel=3, padding=1)}).data
    assert data["machine"] == {
        "threads": 2, "dtype": "float32", "multiply_adds": 40e9, "bandwidth": 10e9,
    }  # fmt: skip
    layer = data["layers"]["it"]
    assert {key: layer[key] in data["steps"][key] for key in STEPS} == dict.fromkeys(STEPS, True)
    assert layer["padding"] == 1


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({}, "at least one layer"),
        ({"it": Layer(3, 64, 64)}, "batch of 'it' must be one of 1, 2, 4, .*, found 3"),
        ({"it": Layer(1, 64, 64, size=15)}, "size of 'it' must be one of"),
        ({"it": Layer(1, 64, 64, size=7, kernel=11)}, "does not fit an image of 7x7"),
    ],
)
def test_layers_are_checked(layers, message):
    with pytest.raises(ValueError, match=message):
        roofline(MACHINE, layers)


@pytest.fixture
def axis(monkeypatch):
    backend = matplotlib.get_backend()
    matplotlib.use("agg")
    monkeypatch.setattr(plt, "show", lambda: plt.gcf().canvas.draw())
    yield lambda: plt.gcf().axes[0]
    plt.close("all")
    matplotlib.use(backend)


def test_points_lie_where_they_were_measured(axis):
    cost = Cost(seconds=0.5, multiply_adds=10**9, nbytes=10**8)
    plot_roofline(MACHINE, {"convolution": [cost], "pooling": [Cost(1.0, 0, 100)]})
    roof, ridge, points = axis().lines
    assert ridge.get_xdata()[0] == MACHINE.ridge == 4
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([10], [2])
    assert max(roof.get_ydata()) == pytest.approx(40)
    left = np.asarray(roof.get_xdata()) < 3.9
    assert np.asarray(roof.get_ydata())[left] == pytest.approx(10 * roof.get_xdata()[left])
    assert [t.get_text() for t in axis().get_legend().get_texts()] == ["roof", "convolution"]


def test_there_is_something_to_draw(axis):
    with pytest.raises(ValueError, match="at least one layer with multiply-adds"):
        plot_roofline(MACHINE, {"pooling": [Cost(1.0, 0, 100)]})
