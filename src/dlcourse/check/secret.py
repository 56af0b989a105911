"""What the hidden tests of a course draw from its secret: seeds, and cases of their own.

Tests are written as if there were no secret. In a course that is made with one, each hidden test
is run inside `mixed`, with a key that follows from the secret (see `dlcourse.grading.course`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

Case = TypeVar("Case")

_generator: np.random.Generator | None = None


def drawn(draw: Callable[[np.random.Generator], Case], count: int = 3) -> list[Case]:
    """Return cases that only a course with a secret tries, beside those that are written down.

    Parameters
    ----------
    draw : callable
        Draws one case with the generator that it is given. Whatever it returns has to be a fair
        case: the test must follow from it.
    count : int
        How many.

    Returns
    -------
    list
        Empty unless the test is run inside `mixed`.

    Examples
    --------
    >>> def test():
    ...     return [(1, 1), (4, 3), *drawn(lambda rng: tuple(rng.integers(1, 9, 2).tolist()), 2)]
    >>> test()
    [(1, 1), (4, 3)]
    >>> with mixed(2024):
    ...     test()
    [(1, 1), (4, 3), (3, 6), (3, 3)]
    """
    return [] if _generator is None else [draw(_generator) for _ in range(count)]


@contextmanager
def mixed(key: int) -> Iterator[None]:
    """Mix a key into every seed of ``np.random.default_rng`` and ``random.Random`` in the block.

    The same seed still gives the same numbers, and different seeds different ones.

    Examples
    --------
    >>> with mixed(1):
    ...     a, b, c = (np.random.default_rng(seed).random() for seed in (3, 3, 4))
    >>> a == b, a == c, a == np.random.default_rng(3).random()
    (True, False, False)
    """
    global _generator
    default_rng, make = np.random.default_rng, random.Random

    def rng(seed: Any = None) -> np.random.Generator:
        if isinstance(seed, int | np.integer):
            return default_rng([key, int(seed)])
        if isinstance(seed, list | tuple | np.ndarray):
            return default_rng([key, *(int(part) for part in np.ravel(seed))])
        return default_rng(seed)  # nothing, or a generator

    class Random(make):  # type: ignore[misc, valid-type]
        def __init__(self, seed: Any = None) -> None:
            super().__init__(None if seed is None else f"{key} {seed!r}")

    before = _generator
    # As attributes of their modules, where tests and their helpers look them up.
    np.random.default_rng, random.Random = rng, Random  # type: ignore[assignment, misc]
    _generator = default_rng([*b"drawn", key])  # no seed of a test gives the same
    try:
        yield
    finally:
        np.random.default_rng, random.Random = default_rng, make  # type: ignore[misc]
        _generator = before
