"""One sentence about a scene, in a small language: "a seven above a small three"."""

from __future__ import annotations

import numpy as np

from dlcourse.data.scenes.scene import CLASSES

#: All words of the captions.
WORDS = ("a", "an", "small", "above", "left", "of", *CLASSES[1:])


def describe(
    labels: np.ndarray,
    small: np.ndarray,
    centres: np.ndarray,
    names: tuple[str, ...] = CLASSES,
) -> str:
    """Return the caption of things at their places.

    Things are named from top to bottom if they differ more in height than sideways, and otherwise
    from left to right. Only the small ones are given a size.

    Parameters
    ----------
    labels : array of shape (K,)
        What each thing is, an index into `names`.
    small : array of shape (K,)
        Whether it is small.
    centres : array of shape (K, 2)
        x and y of each, in pixels, y growing downwards.
    names : tuple of str
        What each label means.

    Raises
    ------
    ValueError
        If there is nothing to describe.

    Examples
    --------
    >>> describe(np.array([4, 8]), np.array([True, False]), np.array([[20, 70], [30, 20]]))
    'a seven above a small three'
    >>> describe(np.array([1]), np.array([False]), np.array([[5, 5]]))
    'a zero'
    """
    if not len(labels):
        raise ValueError("expected at least one thing to describe, found none")
    spread = np.ptp(centres, axis=0)
    below = bool(spread[1] > spread[0])
    order = np.argsort(centres[:, int(below)], kind="stable")
    called = [_name(names[labels[k]], bool(small[k])) for k in order]
    return (" above " if below else " left of ").join(called)


def _name(thing: str, small: bool) -> str:
    if small:
        return f"a small {thing}"
    return f"an {thing}" if thing[0] in "aei" else f"a {thing}"
