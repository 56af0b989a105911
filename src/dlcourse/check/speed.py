"""Speed, as a ratio within one run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from dlcourse.blas import blas_held
from dlcourse.check.failure import CheckFailed

#: Seconds that this thread computed, so that other programs do not matter. Windows counts them only
#: in steps of 16 ms.
COMPUTED = time.perf_counter if sys.platform == "win32" else time.thread_time


def faster(
    yours: Callable[[], object],
    reference: Callable[[], object],
    limit: float,
    name: str,
    than: str,
    cause: str,
    repeats: int = 3,
    clock: Callable[[], float] = COMPUTED,
) -> None:
    """Fail unless `yours` takes at most `limit` times as long as `reference`.

    Both run in turn, `repeats` times, and the shortest time of each counts; where it can be told,
    that is the time this thread computed. So it does not matter how fast the machine is, and hardly
    what else it does. Choose a limit that is several times what a right answer takes, and a
    fraction of what a wrong one takes. Call it outside `own_work`, which makes Python code slower.

    Parameters
    ----------
    yours, reference : callable
        The learner's work, and what it is compared with: plain loops, or the finished layer.
    limit : float
        Largest time allowed, as a multiple of the reference's: below 1 where `yours` has to be
        faster.
    name, than : str
        What to call the two in the message.
    cause : str
        What is likely to make it slow.
    repeats : int
        How often each is timed.
    clock : callable
        Gives the time in seconds; `COMPUTED` unless a test of this check needs another.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones(10_000)
    >>> def loop():
    ...     return sum(value * value for value in x)
    >>> faster(lambda: x @ x, loop, 0.5, "your product", "the loop", "a loop over values")
    >>> faster(loop, lambda: x @ x, 2, "sum", "x @ x", "a loop over values")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: sum takes ... times as long as x @ x, and should take at \
most 2 times as long; the likely cause is a loop over values.
    """
    best = [float("inf"), float("inf")]
    with blas_held():  # a thread that waits for BLAS's others counts as computing
        for _ in range(repeats):
            for i, function in enumerate((yours, reference)):
                start = clock()
                function()
                best[i] = min(best[i], clock() - start)
    ratio = best[0] / max(best[1], 1e-9)
    if ratio > limit:
        rounded = float(f"{ratio:.2g}")  # 1,300 and not 1.3e+03
        raise CheckFailed(
            f"{name} takes {rounded:,g} times as long as {than}, and should take at most {limit:g} "
            f"times as long; the likely cause is {cause}."
        )
