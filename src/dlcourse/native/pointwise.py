"""ReLU and its relatives, on arrays that lie in any memory order."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import laid_out
from dlcourse.native.calls import Kernel, result

_relu, _add_relu = Kernel("relu", "aaabn"), Kernel("add_relu", "aaabn")
_relu_grad = Kernel("relu_grad", "aban")
_relu6, _relu6_grad, _leaky_relu, _leaky_relu_grad = (
    Kernel(name, "aaarn") for name in ("relu6", "relu6_grad", "leaky_relu", "leaky_relu_grad")
)


def relu(x: np.ndarray, out: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return ``max(x, 0)``, and what `relu_grad` needs: the mask ``not x <= 0``.

    Parameters
    ----------
    x : array
        Of any shape and memory order.
    out : array, optional
        Where to write, without gaps; `x` itself will do.

    Examples
    --------
    >>> relu(np.array([-1.0, 2.0, np.nan]))
    (array([ 0.,  2., nan]), array([False,  True,  True]))
    """
    to = result(x, out)
    mask = np.empty_like(to, dtype=bool)
    _relu(laid_out(x, to), None, to, mask, to.size)
    return to, mask


def add_relu(
    a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``max(a + b, 0)`` of two arrays of one shape, and what `relu_grad` needs.

    Examples
    --------
    >>> add_relu(np.array([-1.0, 2.0]), np.array([-1.0, 1.0]))[0]
    array([0., 3.])
    """
    to = result(a, out)
    mask = np.empty_like(to, dtype=bool)
    _add_relu(laid_out(a, to), laid_out(b, to), to, mask, to.size)
    return to, mask


def relu_grad(dy: np.ndarray, kept: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return `dy` where `relu` let its input through, and 0 elsewhere.

    Examples
    --------
    >>> _, kept = relu(np.array([-1.0, 2.0, 0.0, np.nan]))
    >>> relu_grad(np.array([1.0, 2.0, 3.0, 4.0]), kept)
    array([0., 2., 0., 4.])
    """
    to = result(kept, out, dy.dtype)
    _relu_grad(laid_out(dy, to), laid_out(kept, to), to, to.size)
    return to


def relu6(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return ``min(max(x, 0), 6)``.

    Examples
    --------
    >>> relu6(np.array([-1.0, 2.0, 7.0]))
    array([0., 2., 6.])
    """
    return _apply(_relu6, x, None, out)


def relu6_grad(dy: np.ndarray, x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return `dy` where the input `x` of `relu6`, or its output, is between 0 and 6; 0 elsewhere.

    Examples
    --------
    >>> relu6_grad(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 6.0]))
    array([0., 2., 0.])
    """
    return _apply(_relu6_grad, dy, x, result(x, out))


def leaky_relu(x: np.ndarray, slope: float, out: np.ndarray | None = None) -> np.ndarray:
    """Return `x` above zero, and ``x * slope`` elsewhere.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 2.0]), 0.5)
    array([-0.5,  2. ])
    """
    return _apply(_leaky_relu, x, None, out, slope)


def leaky_relu_grad(
    dy: np.ndarray, x: np.ndarray, slope: float, out: np.ndarray | None = None
) -> np.ndarray:
    """Return `dy` where the input `x` was above zero, and ``dy * slope`` elsewhere.

    Examples
    --------
    >>> leaky_relu_grad(np.array([1.0, 1.0]), np.array([-1.0, 2.0]), 0.5)
    array([0.5, 1. ])
    """
    return _apply(_leaky_relu_grad, dy, x, result(x, out), slope)


def _apply(
    kernel: Kernel,
    a: np.ndarray,
    b: np.ndarray | None,
    out: np.ndarray | None,
    slope: float = 0.0,
) -> np.ndarray:
    to = result(a, out)
    second = None if b is None else laid_out(b, to)
    kernel(laid_out(a, to), second, to, slope, to.size)
    return to
