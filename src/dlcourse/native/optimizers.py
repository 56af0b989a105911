"""Steps of optimizers in one pass over the weights, in place.

The arrays of a step have one shape, dtype and memory order, without gaps.
"""

from __future__ import annotations

import numpy as np

from dlcourse.native.calls import Kernel

_sgd = Kernel("sgd", "aarrn")
_momentum = Kernel("momentum", "aaarrrnn")
_adam = Kernel("adam", "aaaarrrrrrn")


def sgd(data: np.ndarray, grad: np.ndarray, rate: float, weight_decay: float = 0.0) -> None:
    """Take a step against the gradient, to which ``weight_decay * data`` is added.

    Examples
    --------
    >>> w = np.array([1.0, 2.0])
    >>> sgd(w, np.ones(2), rate=0.5)
    >>> w
    array([0.5, 1.5])
    """
    _sgd(data, grad, rate, weight_decay, data.size)


def momentum(
    data: np.ndarray,
    velocity: np.ndarray,
    grad: np.ndarray,
    rate: float,
    momentum: float,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> None:
    """Take a step along the velocity, or as Nesterov does; `momentum` is the share that is kept.

    Examples
    --------
    >>> w, v = np.zeros(1), np.ones(1)
    >>> momentum(w, v, np.ones(1), rate=1.0, momentum=0.5)
    >>> w, v
    (array([-1.5]), array([1.5]))
    """
    _momentum(data, velocity, grad, rate, momentum, weight_decay, int(nesterov), data.size)


def adam(
    data: np.ndarray,
    mean: np.ndarray,
    square: np.ndarray,
    grad: np.ndarray,
    betas: tuple[float, float],
    rate: float,
    eps: float,
    weight_decay: float = 0.0,
    shrink: float = 1.0,
) -> None:
    """Take a step of Adam in place: `mean` and `square`, then ``data -= rate * mean / (...)``.

    Parameters
    ----------
    data, mean, square, grad : arrays
        The weights, the two running means, the gradient.
    betas : (float, float)
        The shares of the means that are kept.
    rate, eps : float
        These include the corrections for the start at zero.
    weight_decay : float
        ``weight_decay * data`` is added to the gradient.
    shrink : float
        What the weights are multiplied by before the step.

    Examples
    --------
    >>> w, m, v = np.zeros((3, 1))
    >>> adam(w, m, v, np.ones(1), betas=(0.5, 0.75), rate=1.0, eps=0.0)
    >>> w, m, v
    (array([-1.]), array([0.5]), array([0.25]))
    """
    _adam(data, mean, square, grad, *betas, rate, eps, weight_decay, shrink, data.size)
