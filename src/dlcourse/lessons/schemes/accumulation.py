"""Gradient accumulation: a batch that is too large for the memory, in parts, one after another."""

from __future__ import annotations

from collections.abc import Sequence

from dlcourse.lessons.schemes.gradients import Compute, gradients
from dlcourse.nn import Parameter


def accumulated(parameters: Sequence[Parameter], compute: Compute, parts: int) -> Compute:
    """Turn a function for small batches into one for batches `parts` times as large.

    The mean over several small batches of one size is the gradient of the large one. It takes the
    memory of a small one, and ranks exchange one message per large batch.

    Parameters
    ----------
    parameters : sequence of Parameter
        Those whose gradients to add up.
    compute : callable
        ``compute(i)`` sets the gradients of the small batch i, and returns its loss.
    parts : int
        Small batches in a large one.

    Returns
    -------
    callable
        Its step k calls ``compute`` with ``parts`` numbers from ``k * parts`` on, sets the mean of
        the gradients, and returns the mean loss.

    Examples
    --------
    >>> import numpy as np
    >>> w = Parameter(np.zeros(1, np.float32))
    >>> def compute(i):
    ...     w.grad = np.full(1, i, np.float32)
    ...     return float(i)
    >>> accumulated([w], compute, parts=2)(3), w.grad  # the small batches 6 and 7
    (6.5, array([6.5], dtype=float32))
    """
    if parts < 1:
        raise ValueError(f"parts must be at least 1, found {parts}")

    def whole(step: int) -> float:
        loss = compute(step * parts) / parts
        sums = [g / parts for g in gradients(parameters)]
        for i in range(step * parts + 1, (step + 1) * parts):
            loss += compute(i) / parts
            for total, g in zip(sums, gradients(parameters), strict=True):
                total += g / parts
        for parameter, total in zip(parameters, sums, strict=True):
            parameter.grad = total
        return loss

    return whole
