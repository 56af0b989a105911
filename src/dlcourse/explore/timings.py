"""An explorer of repeated timings: how far the answer scatters, depending on how one asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.explore.lib.widget import Explorer

#: Fewer would not fill the histograms, more would only make the page larger.
FEWEST, MOST = 100, 2000


@dataclass(frozen=True)
class _Series:
    """What was timed, and how long it took."""

    name: str
    unit: str
    values: list[float]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    series: list[_Series]


def timings(series: Mapping[str, tuple[Sequence[float] | np.ndarray, str]]) -> Explorer:
    """Let the reader choose how many timings make an answer, and with which statistic.

    The explorer takes that many of the recorded timings again and again, and shows how the
    answers scatter.

    Parameters
    ----------
    series : dict
        From what was timed to the timings in the order in which they were taken, and their unit:
        `("ms")`. They may be ratios, with a unit such as "times".

    Raises
    ------
    ValueError
        If there is no series, one has too few or too many timings, or one is not above zero.

    Examples
    --------
    >>> explorer = timings({"a product": (np.linspace(1, 2, 200), "ms")})
    >>> explorer.data["series"][0]["values"][:3]
    [1.0, 1.00503, 1.01005]
    """
    if not series:
        raise ValueError("expected at least one series of timings, found none")
    for name, (values, _) in series.items():
        if not FEWEST <= len(values) <= MOST:
            raise ValueError(
                f"expected {FEWEST} to {MOST} timings of {name!r}, found {len(values)}"
            )
        if not np.all(np.isfinite(values) & (np.asarray(values) > 0)):
            raise ValueError(f"timings must be above 0, found {np.min(values)} for {name!r}")
    recorded = [
        _Series(name, unit, values=[float(f"{value:.6g}") for value in values])
        for name, (values, unit) in series.items()
    ]
    return Explorer("timings", "Explorer: how far an answer scatters", _Data(recorded))
