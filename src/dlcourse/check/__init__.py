"""The checks of exercises: each passes in silence, or says in one sentence what is wrong.

A check raises `CheckFailed`, and its message names the likely mistake, not only the difference.
``check.close(dw, expected, "dw")`` finds out by itself whether the array is twice too large, has
the wrong sign or has its axes swapped; for mistakes that belong to one task, the task passes the
results that they would give: ``mistakes={"the padding seems to be forgotten": unpadded}``.

Tests of an exercise call the learner's code through `own_work`, which notices when it calls the
finished layer of `dlcourse` instead of doing the work itself.
"""

from dlcourse.check.arrays import close, dtype, shape, unchanged
from dlcourse.check.failure import CheckFailed, passed, raises, that
from dlcourse.check.gradients import gradient, numerical_gradient
from dlcourse.check.secret import drawn
from dlcourse.check.speed import faster
from dlcourse.check.work import own_work

__all__ = [
    "CheckFailed",
    "close",
    "drawn",
    "dtype",
    "faster",
    "gradient",
    "numerical_gradient",
    "own_work",
    "passed",
    "raises",
    "shape",
    "that",
    "unchanged",
]
