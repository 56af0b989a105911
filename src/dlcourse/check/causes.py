"""The likely cause of a difference, from what was found and what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, permutations

import numpy as np

Same = Callable[[np.ndarray, np.ndarray], bool]

#: A share of wrong values up to which it says more how many are right, and which one is not.
_FEW = 0.25
#: A difference so small may come from rounding to float32, or to a few digits.
_ROUNDED = 1e-4


def likely(
    value: np.ndarray,
    expected: np.ndarray,
    name: str,
    same: Same,
    tolerance: float,
    sizes: Mapping[str, float],
) -> str:
    """Say what could have gone wrong.

    Parameters
    ----------
    value, expected : array of float64
        Two that differ, of one shape.
    name : str
        What to call the first.
    same : callable
        Whether two arrays differ by rounding at most.
    tolerance : float
        How much rounding explains, as a share of the largest expected value.
    sizes : dict
        From a name to a number by which something may be divided or multiplied.

    Examples
    --------
    >>> def same(a, b):
    ...     return np.allclose(a, b)
    >>> likely(np.float64(12), np.float64(11), "the height", same, 1e-5, {})
    'the height is 12, and should be 11.'
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> likely(y / 3, y, "dw", same, 1e-5, {"N": 3})
    'Every value of dw is 0.3333 times what it should be; it seems to be divided by N = 3 once too \
often, or not multiplied by it.'
    """
    if not np.isfinite(value).all():
        place = "" if value.size == 1 else f" (the first at {_place(~np.isfinite(value))})"
        return (
            f"There is NaN or infinity in {name}{place}; is there a division by zero, an overflow, "
            "or memory never filled?"
        )
    if value.size == 1:
        found, wanted = in_digits(float(value.ravel()[0]), float(expected.ravel()[0]))
        return f"{name} is {found}, and should be {wanted}{_sign(value, expected, same)}."
    if not value.any():
        return f"In {name} every value is 0; nothing was written into it, it seems."
    if same(-value, expected):
        return f"Only the sign of {name} is wrong."
    for sentence in (
        *_all_alike(value, expected, name, same, sizes),
        *_moved(value, expected, name, same),
    ):
        return sentence
    largest = max(1e-3, float(np.abs(expected).max()))
    difference = np.abs(value - expected)
    wrong = difference > tolerance * largest
    if difference.max() < _ROUNDED * largest:
        return (
            f"The values of {name} are off by a share of {difference.max() / largest:.1g}, and "
            f"rounding explains {tolerance:.1g}; is something kept in float32 or float16, or cut "
            "off?"
        )
    return _where(value, expected, wrong, name)


def _all_alike(
    value: np.ndarray, expected: np.ndarray, name: str, same: Same, sizes: Mapping[str, float]
) -> Iterator[str]:
    """Yield what would turn every value into the right one."""
    factor = float(np.vdot(expected, value) / max(np.vdot(expected, expected), 1e-300))
    if abs(factor) > 1e-12 and same(value / factor, expected):
        told = f"Every value of {name} is {factor:.4g} times what it should be"
        for label, size in (*sizes.items(), *_simple(value.shape)):
            each = label if label[0].isdigit() else f"{label} = {size:g}"
            if size > 1 and math.isclose(factor * size, 1, rel_tol=1e-3):
                yield (
                    f"{told}; it seems to be divided by {each} once too often, or not multiplied "
                    "by it."
                )
            if size > 1 and math.isclose(factor, size, rel_tol=1e-3):
                yield (
                    f"{told}; it seems to be multiplied by {each} once too often, or not divided "
                    "by it."
                )
    offset = float((value - expected).mean())
    if same(value - expected, np.full_like(value, offset)):
        yield f"Every value of {name} is off by {offset:.4g}; look at what is added last."


def _simple(shape: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    """Yield the small numbers, and the lengths of axes and their products, with what they are."""
    yield from ((str(n), n) for n in (2, 3, 4))
    for count in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), count):
            names = " and ".join(str(axis) for axis in axes)
            label = f"the length of axis {names}" if count == 1 else f"the size of axes {names}"
            yield label, math.prod(shape[axis] for axis in axes)


def _moved(value: np.ndarray, expected: np.ndarray, name: str, same: Same) -> Iterator[str]:
    """Yield what holds if the right numbers stand in other places, or were cut."""
    if 1 < value.ndim <= 4:
        for axes in permutations(range(value.ndim)):
            if same(value.transpose(axes), expected):
                yield f"The numbers of {name} are right, with two axes swapped."
    for axis in range(value.ndim):
        if same(np.flip(value, axis), expected):
            yield f"The numbers of {name} are right, but reversed along axis {axis}."
    if value.size > 3 and same(np.sort(value, axis=None), np.sort(expected, axis=None)):
        yield (
            f"The numbers of {name} are right, but stand in other places; look at the order of "
            "axes before each reshape, and at what each index counts."
        )
    if same(value, np.maximum(expected, 0)):
        yield f"Where {name} should be negative, it is 0."
    if same(value, np.abs(expected)):
        yield f"Where {name} should be negative, it is positive."


def _where(value: np.ndarray, expected: np.ndarray, wrong: np.ndarray, name: str) -> str:
    """Say where the values are right and where they are not."""
    if value.ndim == 4 and wrong[..., 1:-1, 1:-1].size and not wrong[..., 1:-1, 1:-1].any():
        border = np.ones(value.shape[2:], bool)
        border[1:-1, 1:-1] = False
        if wrong[..., border].mean() > 0.5:
            return (
                f"The values of {name} are right inside and wrong along the border; look at the "
                "padding."
            )
    others = wrong[1:].reshape(len(value) - 1, -1) if value.ndim > 1 and len(value) > 1 else None
    if others is not None and not wrong[0].any() and (others.mean(axis=1) > 0.5).all():
        return (
            f"The values of {name} are right for the first item only, along axis 0; are the others "
            "made from what belongs to them?"
        )
    right = int(wrong.size - wrong.sum())
    if wrong.mean() <= _FEW or wrong.sum() == 1:
        where = np.unravel_index(int(wrong.argmax()), value.shape)
        told = f"{right:,} of {wrong.size:,} values of {name} are right; the first wrong one is at"
    else:
        where = np.unravel_index(int(np.abs(value - expected).argmax()), value.shape)
        share = "All" if not right else f"{min(wrong.mean(), 0.99):.0%} of the"
        told = f"{share} values of {name} are wrong; the largest difference is at"
    found, wanted = in_digits(float(value[where]), float(expected[where]))
    return f"{told} {_index(where)}: {found} instead of {wanted}."


def _sign(value: np.ndarray, expected: np.ndarray, same: Same) -> str:
    """Return what else there is to say of a single number."""
    if same(-value, expected):
        return "; only the sign is wrong"
    found, wanted = float(value.ravel()[0]), float(expected.ravel()[0])
    share = abs(found - wanted) / max(abs(wanted), 1e-300)
    if share < _ROUNDED and not (found.is_integer() and wanted.is_integer()):
        return (
            f"; that is off by a share of {share:.1g}, more than rounding explains: is something "
            "kept in float32, or cut off?"
        )
    return ""


def _place(where: np.ndarray) -> str:
    return _index(np.unravel_index(int(where.argmax()), where.shape))


def _index(where: tuple[np.intp, ...]) -> str:
    return f"[{', '.join(str(int(i)) for i in where)}]"


def in_digits(found: float, wanted: float) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to tell them apart.

    Examples
    --------
    >>> in_digits(44544.0, 44543.0), in_digits(1 / 3, 0.333334), in_digits(2.5, 2.0)
    (('44544', '44543'), ('0.333333', '0.333334'), ('2.5', '2'))
    """
    for digits in range(6, 18):
        texts = tuple(
            f"{x:.0f}" if x.is_integer() and abs(x) < 1e15 else f"{x:.{digits}g}"
            for x in (found, wanted)
        )
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]
