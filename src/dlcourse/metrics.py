"""How good a classifier is: measured on scores or predictions, never on the loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.backend import Array, array_module, is_array, to_numpy


def descending(scores: Array) -> Array:
    """Return the indices that sort scores along the last axis, the highest first.

    Among equal scores the first comes first. NaN counts as higher than any number, as it does for
    ``argmax``, and for ``sort`` and ``topk`` of torch.

    Parameters
    ----------
    scores : array
        Real numbers of any dtype. They are not negated, which would wrap where they are unsigned.

    Raises
    ------
    ValueError
        If the scores are not real numbers.

    Examples
    --------
    >>> descending(np.array([0, 200, 200], np.uint8))
    array([1, 2, 0])
    """
    _check_numbers(scores)
    ascending = array_module(scores).argsort(scores[..., ::-1], axis=-1, kind="stable")
    return scores.shape[-1] - 1 - ascending[..., ::-1]


def accuracy(scores: Array, labels: Array) -> float:
    """Return the share of images whose highest score is that of their label.

    Parameters
    ----------
    scores : array of shape (N, classes)
        Any numbers that grow with the network's belief: logits or probabilities.
    labels : array of shape (N,)
        Integers from 0 to classes - 1.

    Among equal scores that of the lower class counts as higher, and NaN counts as the highest, as
    in ``argmax``.

    Raises
    ------
    ValueError
        If a shape is wrong, a label is out of range, or there are no images.

    Examples
    --------
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    _check(scores, labels)
    return float((scores.argmax(axis=1) == labels).mean())


def top_k_accuracy(scores: Array, labels: Array, k: int = 5) -> float:
    """Return the share of images whose label is among the `k` highest scores.

    Among equal scores that of the lower class counts as higher, and NaN counts as the highest, as
    in ``argmax``.

    Parameters
    ----------
    scores : array of shape (N, classes)
        Any numbers that grow with the network's belief.
    labels : array of shape (N,)
        Integers from 0 to classes - 1.
    k : int
        How many guesses are allowed.

    Raises
    ------
    ValueError
        If a shape is wrong, a label is out of range, or `k` does not lie from 1 to classes.

    Examples
    --------
    >>> scores = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    >>> top_k_accuracy(scores, np.array([1, 2]), k=2)
    0.5
    """
    _check(scores, labels)
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k must lie from 1 to {classes} for {classes} classes, found {k}")
    guesses = descending(scores)[:, :k]
    return float((guesses == labels[:, None]).any(axis=1).mean())


def confusion_matrix(predicted: Array, labels: Array, classes: int) -> np.ndarray:
    """Count how often each class was taken for each class.

    Parameters
    ----------
    predicted : array of shape (N,)
        The class that the network chose: ``scores.argmax(axis=1)``.
    labels : array of shape (N,)
        The true class.
    classes : int
        How many classes there are.

    Returns
    -------
    array of shape (classes, classes)
        int64; entry (i, j) counts the images of class i that were taken for class j. The diagonal
        counts those that were right.

    Raises
    ------
    ValueError
        If a shape, a label or a prediction is out of range.

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    _check_labels("labels", labels, len(labels), classes)
    _check_labels("predicted", predicted, len(labels), classes)
    pairs = to_numpy(labels).astype(np.int64) * classes + to_numpy(predicted).astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


class PrecisionRecall(NamedTuple):
    """Two arrays of shape (classes,), NaN for a class never predicted, or without images."""

    precision: np.ndarray
    recall: np.ndarray


def precision_recall(confusion: np.ndarray) -> PrecisionRecall:
    """Return the precision and the recall of each class.

    Precision is the share of the images taken for a class that belong to it; recall is the share
    of the images of a class that were taken for it.

    Parameters
    ----------
    confusion : array of shape (classes, classes)
        From `confusion_matrix`.

    Examples
    --------
    >>> precision, recall = precision_recall(np.array([[1, 1], [0, 2]]))
    >>> recall
    array([0.5, 1. ])
    """
    right = np.diagonal(confusion).astype(np.float64)
    nan = np.full_like(right, np.nan)
    predicted, true = confusion.sum(axis=0), confusion.sum(axis=1)
    return PrecisionRecall(
        np.divide(right, predicted, out=nan.copy(), where=predicted > 0),
        np.divide(right, true, out=nan.copy(), where=true > 0),
    )


def _check(scores: Array, labels: Array) -> None:
    if not is_array(scores):
        raise ValueError(f"scores must be an array, found {type(scores).__name__}")
    if scores.ndim != 2 or 0 in scores.shape:
        raise ValueError(f"scores must have shape (N, classes), found {scores.shape}")
    _check_numbers(scores)
    _check_labels("labels", labels, *scores.shape)


def _check_numbers(scores: Array) -> None:
    if scores.dtype.kind not in "fiub":
        raise ValueError(f"scores must be real numbers, found {scores.dtype}")


def _check_labels(name: str, labels: Array, n: int, classes: int) -> None:
    if not is_array(labels):
        found = type(labels).__name__
        raise ValueError(f"{name} must be an array, found {found}: write np.asarray({name})")
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be integers of shape ({n},), found {labels.dtype} of shape {labels.shape}"
        )
    if n and not (labels.min() >= 0 and labels.max() < classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(f"{name} must lie from 0 to {classes - 1}, found {wrong}")
