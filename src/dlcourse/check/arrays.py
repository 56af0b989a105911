"""Shapes, dtypes and values, and the likely cause of a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dlcourse.check.failure import CheckFailed


def shape(value: object, expected: tuple[int, ...], name: str) -> None:
    """Fail unless `value` is an array of the expected shape.

    Parameters
    ----------
    value : object
        What the learner's code returned.
    expected : tuple of int
        The shape it should have.
    name : str
        What to call it in the message.

    Examples
    --------
    >>> shape(np.zeros((2, 3)), (2, 3), "y")
    >>> shape(np.zeros((3, 2)), (2, 3), "y")
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: y should have the shape (2, 3), but has (3, 2): two axes \
seem to be swapped; a transpose may be missing.
    """
    if value is None:
        raise CheckFailed(f"{name} is None; is a return missing?")
    if not isinstance(value, np.ndarray):
        if np.isscalar(value) and expected == ():
            return
        raise CheckFailed(f"{name} should be a NumPy array, but is a {type(value).__name__}.")
    found = value.shape
    if found == expected:
        return
    text = f"{name} should have the shape {expected}, but has {found}"
    if sorted(found) == sorted(expected):
        text += ": two axes seem to be swapped; a transpose may be missing"
    elif [n for n in found if n != 1] == [n for n in expected if n != 1]:
        text += ": only an axis of length 1 is missing or extra; look at keepdims and reshape"
    elif value.size == np.prod(expected):
        text += ": the number of values is right, so a reshape may be missing"
    elif len(found) == len(expected) > 2 and found[:2] == expected[:2]:
        text += ": look at how padding and stride enter the height and width"
    raise CheckFailed(text + ".")


def dtype(value: np.ndarray, expected: DTypeLike, name: str) -> None:
    """Fail unless the array has the expected dtype.

    Examples
    --------
    >>> dtype(np.zeros(2, np.float32), np.float32, "y")
    >>> dtype(np.zeros(2), np.float32, "y")
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: y should be float32, as the input is, but became float64; \
np.zeros, np.ones and rng.random make float64 unless you pass dtype=.
    """
    expected = np.dtype(expected)
    if value.dtype != expected:
        raise CheckFailed(
            f"{name} should be {expected}, as the input is, but became {value.dtype}; "
            "np.zeros, np.ones and rng.random make float64 unless you pass dtype=."
        )


def close(
    value: Any,
    expected: ArrayLike,
    name: str,
    mistakes: Mapping[str, ArrayLike | None] | None = None,
    tolerance: float = 1e-5,
) -> None:
    """Fail unless `value` is what was expected, up to rounding.

    Parameters
    ----------
    value : array
        What the learner's code returned.
    expected : array
        What is right.
    name : str
        What to call it in the message.
    mistakes : dict, optional
        From a sentence to the result that a typical mistake would give. If that is what was
        found, the sentence is the message.
    tolerance : float
        Largest difference allowed, as a share of the largest expected value. The default suits
        float32 after a few hundred additions.

    Examples
    --------
    >>> y = np.array([1.0, -2.0, 3.0])
    >>> close(y + 1e-9, y, "y")
    >>> close(-y, y, "dx")
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: dx is right except for its sign.
    >>> close(y + 1, y, "y", mistakes={"The bias seems to be added twice.": y + 1})
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: The bias seems to be added twice.
    """
    expected = np.asarray(expected, np.float64)

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        allowed = tolerance * max(1e-3, float(np.abs(b).max(initial=0)))
        return a.shape == b.shape and bool((np.abs(a - b) <= allowed).all())

    real = np.asarray(value).dtype.kind in "fiub"
    for sentence, wrong in (mistakes or {}).items():
        if wrong is not None and real:
            wrong = np.asarray(wrong, np.float64)
            if same(np.asarray(value), wrong) and not same(wrong, expected):
                raise CheckFailed(sentence)
    shape(value, expected.shape, name)
    if not real:
        kind = np.asarray(value).dtype
        raise CheckFailed(f"{name} should hold real numbers, but is of dtype {kind}.")
    value = np.asarray(value, np.float64)
    if same(value, expected):
        return
    raise CheckFailed(_likely(value, expected, name, same))


def _likely(
    value: np.ndarray,
    expected: np.ndarray,
    name: str,
    same: Callable[[np.ndarray, np.ndarray], bool],
) -> str:
    """Say what could have gone wrong, from the two arrays alone."""
    if not np.isfinite(value).all():
        return f"{name} holds NaN or infinity; is there a division by zero, or memory never filled?"
    if not value.any():
        return f"{name} is zero everywhere; is the result written to where it is returned from?"
    if same(-value, expected):
        return f"{name} is right except for its sign."
    factor = float(np.vdot(expected, value) / max(np.vdot(expected, expected), 1e-300))
    if abs(factor) > 1e-12 and same(value / factor, expected):
        return (
            f"{name} is {factor:.4g} times what it should be; is something divided by a size, or "
            "summed, once too often or not at all?"
        )
    difference = value - expected
    if same(difference, np.full_like(difference, difference.mean())):
        return f"{name} is off by {difference.mean():.4g} everywhere; look at what is added last."
    if value.ndim > 1:
        if value.ndim <= 4:
            for axes in permutations(range(value.ndim)):
                if same(value.transpose(axes), expected):
                    return f"{name} holds the right numbers with two axes swapped."
        for axis in range(value.ndim):
            if same(np.flip(value, axis), expected):
                return f"{name} is right but reversed along axis {axis}."
    wrong = np.abs(difference) > 1e-4 * max(1e-3, float(np.abs(expected).max()))
    if value.ndim == 4 and not wrong[:, :, 1:-1, 1:-1].any() and wrong[..., 1:-1, 1:-1].size:
        return f"{name} is right inside and wrong along the border; look at the padding."
    if value.ndim and len(value) > 1 and not wrong[0].any():
        return f"{name} is right for the first item only; does it depend on the others?"
    where = np.unravel_index(int(np.abs(difference).argmax()), value.shape)
    return (
        f"{name} has the right shape, but {wrong.mean():.0%} of its values are wrong; the largest "
        f"difference is at {tuple(int(i) for i in where)}: {value[where]:.6g} instead of "
        f"{expected[where]:.6g}."
    )


@contextmanager
def unchanged(**arrays: np.ndarray) -> Iterator[None]:
    """Fail if one of the arrays is different after the block.

    Examples
    --------
    >>> x = np.zeros(3)
    >>> with unchanged(x=x):
    ...     x += 1
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: x was changed on the way; work on a copy, because \
+= and [...] = write into the array of the caller.
    """
    before = {name: array.copy() for name, array in arrays.items()}
    yield
    for name, array in arrays.items():
        if not np.array_equal(array, before[name], equal_nan=True):
            raise CheckFailed(
                f"{name} was changed on the way; work on a copy, because += and [...] = write into "
                "the array of the caller."
            )
