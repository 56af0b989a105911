"""Timing several contestants in turn: what makes a ratio on a busy machine worth anything.

Each round times everybody once, one after the other, so that the ratios of a round are free of what
the machine does over minutes. What is reported is the median over the rounds and the quartiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

#: A turn repeats what it times until so many seconds have passed.
TURN_SECONDS = 0.2


def in_turn(
    runs: Mapping[str, Callable[[], object]], budget: float, most_rounds: int = 15
) -> dict[str, list[float]]:
    """Return the seconds that each took in each round.

    Parameters
    ----------
    runs : mapping from name to function
        What to time; each is called once before, to warm up.
    budget : float
        Stop after the round in which so many seconds have passed, but not before the third.
        With 0 there is a single round.
    most_rounds : int
        Stop after so many rounds in any case.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    start = time.perf_counter()
    for done in range(1, most_rounds + 1):
        for name, run in runs.items():
            seconds[name].append(_turn(run, TURN_SECONDS if budget else 0.0))
        if not budget or (done >= 3 and time.perf_counter() - start > budget):
            break
    return seconds


def spread(values: list[float]) -> dict[str, float]:
    """Return median, quartiles and the least of some values."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": median, "low": low, "high": high, "least": min(values)}


def ratio(a: list[float], b: list[float]) -> dict[str, float]:
    """Return the spread of ``a / b`` over the rounds; as `least` the ratio of the two least."""
    return spread([x / y for x, y in zip(a, b, strict=True)]) | {"least": min(a) / min(b)}


def _turn(run: Callable[[], object], at_least: float) -> float:
    start = time.perf_counter()
    count = 0
    while True:
        run()
        count += 1
        passed = time.perf_counter() - start
        if passed >= at_least:
            return passed / count
