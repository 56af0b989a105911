"""Losses: one number that says how wrong the outputs are, and its gradient.

Outputs and scores are floating-point numbers, and their gradient has their dtype; float16 is
computed in float32 and rounded. An empty batch has no mean: it is refused, where torch gives
NaN.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from dlcourse import native
from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.habits import Familiar, explained
from dlcourse.nn.activation import sigmoid
from dlcourse.nn.loss_value import LossValue


class Loss(Protocol):
    """What `CrossEntropyLoss` and `MSELoss` are: a mean over the batch, and its gradient."""

    def __call__(self, y: Array, t: Array, /) -> float: ...

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to `y`."""
        ...


def softmax(x: Array, dim: int = 1) -> Array:
    """Return positive shares that sum to 1 along an axis: ``exp(x) / sum(exp(x))``.

    Parameters
    ----------
    x : array
        Scores (logits) of any size: the largest along the axis is subtracted first, which only
        keeps exp from overflowing.
    dim : int
        The axis of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    scores = _floating("softmax", x)
    exp = array_module(x).exp(scores - scores.max(axis=dim, keepdims=True))
    exp /= exp.sum(axis=dim, keepdims=True)
    return exp.astype(x.dtype, copy=False)


class _Loss(Familiar):
    """Base of the losses."""

    hints: ClassVar = {
        **dict.fromkeys(
            ("item", "_probabilities", "_difference", "_slope"),
            "call the loss first, value = criterion(outputs, targets)",
        ),
        **dict.fromkeys(("forward", "input=", "target="), "write criterion(outputs, targets)"),
        **dict.fromkeys(("to", "cuda", "cpu"), "it has nothing to move, leave it out"),
        "__init__()": "make the loss, criterion = CrossEntropyLoss(), then call it",
        "reduction=": "it is the mean over the batch; for a sum multiply value and gradient by N",
        "weight=": "all classes count alike",
    }

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__call__ = explained(cls.__call__)  # type: ignore[method-assign]

    def __init__(self) -> None:
        """Make a loss without options."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CrossEntropyLoss(_Loss):
    """Mean of minus the log of the probability given to the right class.

    Takes scores, not probabilities: softmax is inside, because the two together are exact where
    the log of a tiny probability is not, and their gradient is simply ``p - target``. Each image
    has one label, or each of its pixels has one.

    Parameters
    ----------
    ignore_index : int
        Where the label is this number, there is nothing to learn: neither the mean nor the
        gradient counts it, even if the scores are NaN (where torch gives a gradient of NaN).
    label_smoothing : float
        Share of the target spread evenly over all classes (Szegedy et al. 2016), from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> loss = CrossEntropyLoss()
    >>> value = loss(np.zeros((1, 4), np.float32), np.array([2]))
    >>> round(value, 4)  # log 4
    1.3863
    >>> loss.backward()
    array([[ 0.25,  0.25, -0.75,  0.25]], dtype=float32)
    """

    def __init__(self, *, ignore_index: int = -100, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"label_smoothing must be a share from 0 to 1, found {label_smoothing}"
            )
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index

    def __call__(self, logits: Array, targets: Array) -> float:
        """Return the mean loss.

        Parameters
        ----------
        logits : array of shape (N, classes) or (N, classes, ...)
            Scores; after the classes there may be places, such as rows and columns.
        targets : int array of shape (N,) or (N, ...)
            The right class of each.

        Raises
        ------
        ValueError
            If the shapes do not fit together, a label is not a whole number or out of range, or
            none is left to learn from.
        """
        xp = array_module(logits)
        scores = _floating("CrossEntropyLoss", logits)
        kept = _kept(logits, targets, self.ignore_index)
        self._shape, self._dtype = logits.shape, logits.dtype
        self._kept = None if kept.all() else kept.ravel()
        # A convolution's output has its classes last in memory, so this is only a view.
        rows, labels = xp.moveaxis(scores, 1, -1).reshape(-1, logits.shape[1]), targets.ravel()
        self._given = None
        if native.has_kernels(rows):
            count = int(kept.sum())
            self._given = np.ascontiguousarray(rows), labels.astype(np.int64), count
            loss, self._sums = native.cross_entropy(
                *self._given[:2], self.ignore_index, self.label_smoothing
            )
            return LossValue(loss / count)
        if self._kept is not None:
            rows, labels = rows[self._kept], labels[self._kept]
        shifted = rows - rows.max(axis=1, keepdims=True)
        exp = xp.exp(shifted)
        total = exp.sum(axis=1, keepdims=True)
        self._probabilities = exp / total
        self._labels = labels
        log_p = shifted - xp.log(total)
        right = log_p[xp.arange(len(labels)), labels]
        loss = -right.mean()
        if self.label_smoothing:
            loss = (1 - self.label_smoothing) * loss - self.label_smoothing * log_p.mean()
        return LossValue(loss)

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the scores, of their shape."""
        images, classes, *places = self._shape
        if self._given is not None:
            rows, labels, count = self._given
            options = count, self.ignore_index, self.label_smoothing
            grad = native.cross_entropy_grad(rows, labels, self._sums, *options)
            grad = grad.astype(self._dtype, copy=False)
            return np.moveaxis(grad.reshape(images, *places, classes), -1, 1)
        n = len(self._labels)
        xp = array_module(self._probabilities)
        grad = self._probabilities - self.label_smoothing / classes
        grad[xp.arange(n), self._labels] -= 1 - self.label_smoothing
        grad /= n
        grad = grad.astype(self._dtype, copy=False)
        if self._kept is not None:
            rows = xp.zeros((len(self._kept), classes), grad.dtype)
            rows[self._kept] = grad
            grad = rows
        return xp.moveaxis(grad.reshape(images, *places, classes), -1, 1)


class MSELoss(_Loss):
    """Mean over all elements of the squared difference between output and target.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MSELoss()
    >>> loss(np.array([[1.0, 2.0]], np.float32), np.array([[1.0, 4.0]], np.float32))
    2.0
    >>> loss.backward()
    array([[ 0., -2.]], dtype=float32)
    """

    def __call__(self, y: Array, t: Array) -> float:
        """Return the mean squared difference of outputs `y` and targets `t`, of one shape."""
        y, t, self._dtype = _matched("MSELoss", y, t)
        self._difference = y - t
        return LossValue((self._difference * self._difference).mean())

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the outputs."""
        grad = self._difference * (2 / self._difference.size)
        return grad.astype(self._dtype, copy=False)


class BCEWithLogitsLoss(_Loss):
    """Mean over all elements of minus the log of the probability given to the right answer.

    Each element is its own question with the answers yes (1) and no (0): the score s gives
    "yes" the probability ``sigmoid(s)``. As with `CrossEntropyLoss` the sigmoid is inside, and the
    gradient is ``sigmoid(s) - t`` over the number of elements. A target between 0 and 1 asks for
    that probability.

    Examples
    --------
    >>> import numpy as np
    >>> loss = BCEWithLogitsLoss()
    >>> value = loss(np.zeros(2, np.float32), np.array([1.0, 0.0]))
    >>> round(value, 4)  # log 2
    0.6931
    >>> loss.backward()
    array([-0.25,  0.25], dtype=float32)
    >>> loss(np.array([-200.0], np.float32), np.array([1.0]))
    200.0
    """

    def __call__(self, y: Array, t: Array) -> float:
        """Return the mean loss of scores `y` and targets `t` from 0 to 1, of one shape."""
        y, t, self._dtype = _matched("BCEWithLogitsLoss", y, t, "scores")
        if not ((t >= 0) & (t <= 1)).all():
            raise ValueError(
                "BCEWithLogitsLoss expects targets from 0 to 1, found "
                f"{float(t.min()):g} to {float(t.max()):g}"
            )
        xp = array_module(y)
        self._difference = sigmoid(y) - t
        # log(1 + exp(y)) - t y, where exp takes only numbers below zero.
        small = xp.exp(-xp.abs(y))
        return LossValue((xp.maximum(y, xp.zeros_like(y)) + xp.log1p(small) - t * y).mean())

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the scores."""
        return (self._difference / self._difference.size).astype(self._dtype, copy=False)


class SmoothL1Loss(_Loss):
    """Mean over all elements of a loss that is quadratic near zero and linear beyond.

    With d the difference of output and target: ``d^2 / 2`` where ``|d| < 1``, else ``|d| - 1/2``
    (Girshick 2015, equation 3; Huber 1964). Its gradient is d cut off at -1 and 1, so that a
    target far away pulls no harder than one nearby.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SmoothL1Loss()
    >>> loss(np.array([0.5, 3.0], np.float32), np.array([0.0, 0.0], np.float32))
    1.3125
    >>> loss.backward()
    array([0.25, 0.5 ], dtype=float32)
    """

    def __call__(self, y: Array, t: Array) -> float:
        """Return the mean loss of outputs `y` and targets `t`, of one shape."""
        y, t, self._dtype = _matched("SmoothL1Loss", y, t)
        difference = y - t
        self._slope = array_module(y).clip(difference, -1, 1)
        # Where it is not cut off, slope and difference are the same.
        return LossValue((self._slope * (difference - self._slope / 2)).mean())

    def backward(self) -> Array:
        """Return the gradient of the last loss with respect to the outputs."""
        return (self._slope / self._slope.size).astype(self._dtype, copy=False)


#: Arrays that compute in another way: what is masked does not count, ``*`` multiplies matrices.
_OTHERS = (np.ma.MaskedArray, np.matrix)


def _floating(loss: str, y: Array) -> Array:
    """Return scores or outputs in the dtype to compute in."""
    if getattr(getattr(y, "dtype", None), "kind", None) != "f" or isinstance(y, _OTHERS):
        raise ValueError(f"{loss} expects an array of floating-point values, found {_found(y)}")
    return y.astype(sum_dtype(y.dtype), copy=False)


def _matched(loss: str, y: Array, t: Array, what: str = "outputs") -> tuple[Array, Array, np.dtype]:
    """Return outputs and targets in the dtype to compute in, and the dtype of the outputs."""
    wide = _floating(loss, y)
    if getattr(getattr(t, "dtype", None), "kind", "O") not in "fiub" or isinstance(t, _OTHERS):
        raise ValueError(
            f"{loss} expects targets as an array of numbers, found {_found(t)}: "
            "write np.asarray(targets, np.float32)"
        )
    if y.shape != t.shape or y.size == 0:
        raise ValueError(
            f"{loss} expects targets of the {what}' shape {y.shape}, at least one, found {t.shape}"
        )
    return wide, t.astype(wide.dtype, copy=False), y.dtype


def _kept(logits: Array, targets: Array, ignore_index: int) -> Array:
    """Return where labels are not to be ignored, and refuse what is not a label."""
    one_hot = getattr(targets, "shape", None) == logits.shape
    hint = f"write {'targets.argmax(axis=1)' if one_hot else 'np.asarray(labels, np.int64)'}"
    if getattr(getattr(targets, "dtype", None), "kind", "O") not in "iu" or isinstance(
        targets, _OTHERS
    ):
        raise ValueError(f"labels must be whole numbers, found {_found(targets)}: {hint}")
    expected = logits.shape[:1] + logits.shape[2:]
    if logits.ndim < 2 or targets.shape != expected or logits.size == 0:
        raise ValueError(
            "CrossEntropyLoss expects scores (N, classes, ...) and labels (N, ...), "
            f"found {logits.shape} and {targets.shape}{f': {hint}' if one_hot else ''}"
        )
    kept = targets != ignore_index
    if not kept.any():
        raise ValueError("CrossEntropyLoss expects at least one label that is not ignored")
    classes = logits.shape[1]
    wrong = targets[kept & ((targets < 0) | (targets >= classes))]
    if wrong.size:
        raise ValueError(
            f"labels must lie from 0 to {classes - 1}, as there are {classes} classes; "
            f"found {int(wrong[0])}"
        )
    return kept


def _found(x: Array) -> str:
    if isinstance(x, _OTHERS):
        return f"a {type(x).__name__}"
    return f"dtype {x.dtype}" if hasattr(x, "dtype") else f"{type(x).__name__}, not an array"
