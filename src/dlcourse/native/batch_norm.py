"""Batch normalization on contiguous matrices (rows, channels), with numbers (C,) per channel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.native.calls import Kernel, result

_moments = Kernel("channel_moments", "aaann", may_fail=True)
_sums = Kernel("channel_sums", "aaaaann", may_fail=True)
_scale_shift = Kernel("scale_shift", "aaaaabnn", may_fail=True)
_grad = Kernel("batch_norm_grad", "aaaaaaann", may_fail=True)

_batch_norm = Kernel("batch_norm", "aaaaarraaaabnn", may_fail=True)
_grads = Kernel("batch_norm_grads", "aaaaaaaaann", may_fail=True)

_contiguous = np.ascontiguousarray


def channel_moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the variance of each channel; there is at least one row.

    Examples
    --------
    >>> channel_moments(np.array([[1.0, 5.0], [3.0, 5.0]]))
    (array([2., 5.]), array([1., 0.]))
    """
    mean, var = np.empty((2, x.shape[1]), x.dtype)
    _moments(_contiguous(x), mean, var, *x.shape)
    return mean, var


def channel_sums(dy: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over the rows of `dy`, and of ``dy * (x - mean)``.

    Examples
    --------
    >>> channel_sums(np.ones((2, 1)), np.array([[1.0], [4.0]]), np.array([2.0]))
    (array([2.]), array([1.]))
    """
    sums, dots = np.empty((2, x.shape[1]), x.dtype)
    _sums(_contiguous(dy), _contiguous(x), _contiguous(mean), sums, dots, *x.shape)
    return sums, dots


def scale_shift(
    x: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    mean: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return ``(x - mean) * scale + shift``; a mean that is left out is 0.

    Examples
    --------
    >>> scale_shift(np.array([[1.0, 2.0]]), np.array([2.0, 3.0]), np.array([0.5, 0.0]))
    array([[2.5, 6. ]])
    """
    x = _contiguous(x)
    y = result(x, out)
    center = None if mean is None else _contiguous(mean)
    _scale_shift(x, center, _contiguous(scale), _contiguous(shift), y, None, *x.shape)
    return y


def scale_shift_relu(
    x: np.ndarray, scale: np.ndarray, shift: np.ndarray, mean: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `relu` makes of ``(x - mean) * scale + shift``, and the mask that it keeps.

    Examples
    --------
    >>> scale_shift_relu(np.array([[1.0, 2.0]]), np.array([2.0, -3.0]), np.array([0.5, 0.0]))
    (array([[2.5, 0. ]]), array([[ True, False]]))
    """
    x = _contiguous(x)
    y, kept = np.empty_like(x), np.empty(x.shape, bool)
    center = None if mean is None else _contiguous(mean)
    _scale_shift(x, center, _contiguous(scale), _contiguous(shift), y, kept, *x.shape)
    return y, kept


def batch_norm_grad(
    dy: np.ndarray,
    x: np.ndarray,
    slope: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray,
    mean: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return ``(dy + (x - mean) * slope + offset) * scale``; a mean that is left out is 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> batch_norm_grad(np.array([[1.0]]), np.array([[3.0]]), one, one, 2 * one, mean=one)
    array([[8.]])
    """
    dy = _contiguous(dy)
    dx = result(dy, out)
    numbers = [None if a is None else _contiguous(a) for a in (mean, slope, offset, scale)]
    _grad(dy, _contiguous(x), *numbers, dx, *dy.shape)
    return dx


class Statistics(NamedTuple):
    """What `batch_norm` knows of a batch, and `batch_norm_grads` has to."""

    mean: np.ndarray  #: (C,)
    inverse_std: np.ndarray  #: (C,): ``1 / sqrt(var + eps)``


def batch_norm(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    running: tuple[np.ndarray, np.ndarray],
    eps: float,
    momentum: float,
    relu: bool = False,
) -> tuple[np.ndarray, np.ndarray | None, Statistics]:
    """Normalize a batch, and let the running mean and variance come nearer to its own, in place.

    Parameters
    ----------
    x : array of shape (rows, C)
        At least two rows.
    weight, bias : arrays of shape (C,)
        What the normalized channels are multiplied with, and what is added.
    running : two arrays of shape (C,)
        Mean and unbiased variance, contiguous.
    eps, momentum : float
        As in the layer.
    relu : bool
        Whether what is not above zero becomes zero, as in the layer `ReLU`.

    Returns
    -------
    y : array of shape (rows, C)
        The result.
    kept : array of shape (rows, C), or None
        The mask that `relu` keeps.
    statistics : Statistics
        Those of the batch.

    Examples
    --------
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> y, *_ = batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.ones(1), (mean, var), 0.0, 0.5)
    >>> y.ravel(), mean, var
    (array([0., 2.]), array([1.]), array([1.5]))
    """
    x = _contiguous(x)
    y, kept = np.empty_like(x), np.empty(x.shape, bool) if relu else None
    mean, inverse, *scratch = np.empty((4, x.shape[1]), x.dtype)
    _batch_norm(
        *(x, _contiguous(weight), _contiguous(bias), *running, eps, momentum),
        *(mean, inverse, scratch[0], y, kept, *x.shape),
    )
    return y, kept, Statistics(mean, inverse)


def batch_norm_grads(
    dy: np.ndarray, x: np.ndarray, weight: np.ndarray, statistics: Statistics
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients with respect to input, weight and bias of `batch_norm`.

    Examples
    --------
    >>> x, dy, one = np.array([[1.0], [3.0]]), np.array([[1.0], [0.0]]), np.ones(1)
    >>> *_, statistics = batch_norm(x, one, one, (one.copy(), one.copy()), 0.0, 0.5)
    >>> dx, dweight, dbias = batch_norm_grads(dy, x, one, statistics)
    >>> dx.ravel(), dweight, dbias
    (array([0., 0.]), array([-1.]), array([1.]))
    """
    dy = _contiguous(dy)
    dx = np.empty_like(dy)
    dweight, dbias, *scratch = np.empty((5, dy.shape[1]), dy.dtype)
    _grads(
        *(dy, _contiguous(x), _contiguous(weight), *statistics),
        *(scratch[0], dweight, dbias, dx, *dy.shape),
    )
    return dx, dweight, dbias
