"""Gradients, compared with the effect of moving each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.check.arrays import close


def slope(
    function: Callable[[], Any],
    values: np.ndarray,
    index: tuple[int, ...],
    dy: np.ndarray,
    step: float = 1e-5,
) -> float:
    """Return how fast ``sum(function() * dy)`` grows with one entry of an array.

    Parameters
    ----------
    function, values, dy, step
        As in `numerical_gradient`.
    index : tuple of int
        Which entry.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> round(slope(lambda: x**2, x, (1,), np.ones(2)), 6)
    4.0
    """
    old = values[index]
    values[index] = old + step
    above = np.array(function())
    values[index] = old - step
    below = np.array(function())
    values[index] = old
    return float(np.vdot(dy, above - below) / (2 * step))


def numerical_gradient(
    function: Callable[[], Any], values: np.ndarray, dy: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Return the gradient of ``sum(function() * dy)`` with respect to an array it depends on.

    Parameters
    ----------
    function : callable
        Gives the output, of the shape of `dy`.
    values : array of float64
        What to move, one entry at a time; it is left as it was.
    dy : array
        The gradient of the loss with respect to the output.
    step : float
        How far an entry moves in either direction.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> numerical_gradient(lambda: x**2, x, np.ones(2)).round(6)
    array([2., 4.])
    """
    gradient = np.empty_like(values)
    for index in np.ndindex(values.shape):
        gradient[index] = slope(function, values, index, dy, step)
    return gradient


def gradient(
    function: Callable[[], Any],
    values: np.ndarray,
    found: Any,
    dy: np.ndarray,
    name: str,
    mistakes: Mapping[str, ArrayLike | None] | None = None,
    sizes: Mapping[str, float] | None = None,
) -> None:
    """Fail unless `found` is the gradient that moving each value up and down gives.

    Parameters
    ----------
    function, values, dy
        As in `numerical_gradient`.
    found : array
        The gradient to check.
    name, mistakes, sizes
        As in `close`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> gradient(lambda: x**2, x, x, np.ones(2), "dx")
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: Every value of dx is 0.5 times what it should be; it \
seems to be divided by 2 once too often, or not multiplied by it.
    """
    close(found, numerical_gradient(function, values, dy), name, mistakes, 1e-6, sizes)
