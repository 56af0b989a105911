"""Shapes, dtypes and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from dlcourse.check.causes import likely
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
    dlcourse.check.failure.CheckFailed: y should have the shape (2, 3), and not (3, 2): two axes \
seem to be swapped; a transpose may be missing.
    """
    if value is None:
        raise CheckFailed(f"Instead of {name} there is None; is a return missing?")
    if not isinstance(value, np.ndarray):
        if np.isscalar(value) and expected == ():
            return
        raise CheckFailed(f"{name} should be a NumPy array, and not {a_kind(value)}.")
    found = value.shape
    if found == expected:
        return
    text = f"{name} should have the shape {expected}, and not {found}"
    if sorted(found) == sorted(expected):
        text += ": two axes seem to be swapped; a transpose may be missing"
    elif [n for n in found if n != 1] == [n for n in expected if n != 1]:
        text += ": only an axis of length 1 is missing or extra; look at keepdims and reshape"
    elif value.size == np.prod(expected):
        text += ": the number of values is right, so a reshape may be missing"
    elif len(found) == len(expected) > 2 and found[:2] == expected[:2]:
        text += ": look at what enters the height and width: kernel, stride, padding, dilation"
    raise CheckFailed(text + ".")


def a_kind(value: object) -> str:
    """Return what kind of thing a value is, with its article.

    Examples
    --------
    >>> a_kind([1]), a_kind(1)
    ('a list', 'an int')
    """
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


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
    sizes: Mapping[str, float] | None = None,
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
    sizes : dict, optional
        From a name to a number by which something may be divided or multiplied once too often,
        beside the lengths of the array's own axes: ``{"N": 3}``.

    Examples
    --------
    >>> y = np.array([1.0, -2.0, 3.0])
    >>> close(y + 1e-9, y, "y")
    >>> close(-y, y, "dx")
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: Only the sign of dx is wrong.
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
    raise CheckFailed(likely(value, expected, name, same, tolerance, sizes or {}))


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
