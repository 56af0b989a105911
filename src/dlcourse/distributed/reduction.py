"""Sums in a fixed order, which make any number of workers give the same bits.

Floating-point addition is not associative: (a + b) + c and a + (b + c) differ in the last bit. So
a sum over the parts of a batch is taken along one tree, which depends on the number of parts and
on nothing else, and work is cut where the tree has its branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar


class _Addable(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


T = TypeVar("T", bound=_Addable)


def tree_sum(parts: Sequence[T]) -> T:
    """Add up along a balanced tree: the sum of the first half, plus that of the second.

    Parameters
    ----------
    parts : sequence of arrays or numbers
        At least one; none of them is changed.

    Examples
    --------
    The same as ``(0.1 + 0.2) + (0.3 + 0.4)``; from left to right it would be a different number.

    >>> tree_sum([0.1, 0.2, 0.3, 0.4]) == (0.1 + 0.2) + (0.3 + 0.4)
    True
    """
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return tree_sum(parts[:middle]) + tree_sum(parts[middle:])


def pieces(length: int, size: int) -> list[slice]:
    """Cut a range into `size` consecutive pieces, disjoint and complete, about equal.

    Some pieces are empty if there are more pieces than values. The range is halved, and its halves
    again, so for `size` a power of two each piece is a branch of `tree_sum`: summing each piece,
    and then the sums, gives the same bits as summing the whole.

    Examples
    --------
    >>> pieces(10, 4)
    [slice(0, 2, None), slice(2, 5, None), slice(5, 7, None), slice(7, 10, None)]
    """
    return _cut(0, length, size)


def _cut(start: int, stop: int, size: int) -> list[slice]:
    if size == 1:
        return [slice(start, stop)]
    left = size // 2
    middle = start + (stop - start) * left // size
    return _cut(start, middle, left) + _cut(middle, stop, size - left)
