import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.timings import timings

TIMES = np.random.default_rng(0).lognormal(size=400)


def test_timings_stay_in_their_order():
    series = timings({"a": (TIMES, "ms"), "b": (TIMES[::-1], "times")}).data["series"]
    assert [(one["name"], one["unit"]) for one in series] == [("a", "ms"), ("b", "times")]
    np.testing.assert_allclose(series[0]["values"], TIMES, rtol=1e-5)
    np.testing.assert_allclose(series[1]["values"], TIMES[::-1], rtol=1e-5)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ({}, "at least one series"),
        ({"a": (TIMES[:99], "ms")}, "100 to 2000 timings of 'a', found 99"),
        ({"a": (TIMES - TIMES.max(), "ms")}, "above 0, found -.* for 'a'"),
        ({"a": (TIMES * np.nan, "ms")}, "above 0"),
    ],
)
def test_timings_are_checked(series, message):
    with pytest.raises(ValueError, match=message):
        timings(series)
