"""Softmax with cross-entropy on contiguous rows of scores (R, classes) and int64 labels (R,)."""

from __future__ import annotations

import numpy as np

from dlcourse.native.calls import Kernel

_loss = Kernel("cross_entropy", "abaabnnnr", may_fail=True)
_grad = Kernel("cross_entropy_grad", "abaaannnrr")


def cross_entropy(
    scores: np.ndarray, labels: np.ndarray, ignored: int, smoothing: float
) -> tuple[float, np.ndarray]:
    """Return the sum of the losses of all rows, and what `cross_entropy_grad` needs of them.

    Parameters
    ----------
    scores : array of shape (R, classes)
        At least one class.
    labels : int64 array of shape (R,)
        The right class of each row, or `ignored`.
    ignored : int
        Rows with this label do not count.
    smoothing : float
        Share of the target that is spread evenly over all classes.

    Returns
    -------
    loss : float
        Added up in float64.
    kept : array of shape (2, R)
        The largest score of each row, and the sum of ``exp(score - largest)``.

    Examples
    --------
    >>> loss, kept = cross_entropy(np.zeros((1, 4)), np.array([2]), -100, 0.0)
    >>> round(loss, 4), kept.tolist()
    (1.3863, [[0.0], [4.0]])
    """
    kept, loss = np.empty((2, len(scores)), scores.dtype), np.empty(1)
    _loss(scores, labels, *kept, loss, *scores.shape, ignored, smoothing)
    return loss.item(), kept


def cross_entropy_grad(
    scores: np.ndarray,
    labels: np.ndarray,
    kept: np.ndarray,
    count: int,
    ignored: int,
    smoothing: float,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the gradient (R, classes) of the loss divided by `count`, 0 in rows that are ignored.

    Examples
    --------
    >>> scores, labels = np.zeros((1, 4)), np.array([2])
    >>> _, kept = cross_entropy(scores, labels, -100, 0.0)
    >>> cross_entropy_grad(scores, labels, kept, 1, -100, 0.0)
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """
    grad = np.empty_like(scores) if out is None else out
    _grad(scores, labels, *kept, grad, *scores.shape, ignored, smoothing, count)
    return grad
