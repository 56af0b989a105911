"""What both sides hold on to, by number, until neither does."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from dlcourse.grading.shared import Block
from dlcourse.grading.stand import Stand
from dlcourse.grading.wire import Malformed
from dlcourse.nn import Parameter

#: How many objects of one side the other may hold on to.
MOST = 200_000


class Shared:
    """A parameter that both sides have, and which arrays the other side knows in it."""

    __slots__ = ("data", "grad", "learns", "parameter")

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.remember()

    def remember(self) -> None:
        """Take what the parameter has now as known to the other side."""
        p = self.parameter
        self.data, self.grad, self.learns = _weak(p.data), _weak(p.grad), p.requires_grad

    def same(self) -> bool:
        """Return whether it still has what the other side knows."""
        p = self.parameter
        return self.data() is p.data and self.grad() is p.grad and self.learns == p.requires_grad


def _weak(value: Any) -> Callable[[], Any]:
    return (lambda: None) if value is None else weakref.ref(value)


class Tables:
    """What one side has in common with the other, by number, until neither holds on to it.

    Parameters
    ----------
    first : int
        0 on one side and 1 on the other, so that their numbers differ.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self._blocks: dict[int, Block] = {}
        self._generators: dict[int, tuple[np.random.Generator, Any]] = {}
        self._parameters: dict[int, Shared] = {}
        self._numbers: dict[tuple[int, int], int] = {}  # of blocks, generators and parameters
        self._leaving: set[int] = set()  # the other side has not heard yet that they are not held
        self._gone: list[int] = []  # the other side does not hold them, and waits to hear so
        self._own: dict[int, Any] = {}
        self._own_numbers: dict[int, int] = {}
        self._stands: dict[int, Stand] = {}

    def own(self, number: Any) -> Any:
        """Return the object of this side that the other knows by a number."""
        if not isinstance(number, int) or number not in self._own:
            raise Malformed("an object that is not here")
        return self._own[number]

    def _number(self) -> int:
        self._next += 2
        return self._next

    def _let_go(self) -> list[int]:
        """Leave what this side holds on to no longer; return the numbers.

        The other side may speak of it until it has heard of that, so it is forgotten only then.
        """
        # Of a parameter or generator: the table's reference, and getrefcount's argument.
        left = [n for n, p in self._parameters.items() if sys.getrefcount(p.parameter) <= 2]
        left += [n for n, pair in self._generators.items() if sys.getrefcount(pair[0]) <= 2]
        left += [number for number, block in self._blocks.items() if not block.held()]
        left = [number for number in left if number not in self._leaving]
        self._leaving.update(left)
        for number in left:
            self._unname(number)
        return left

    def _unname(self, number: int) -> None:
        """Speak of something as if it were new, should it come again."""
        keys: list[tuple[int, int]] = []
        if number in self._blocks:
            keys = self._blocks[number].keys
        elif number in self._parameters:
            keys = [(id(self._parameters[number].parameter), -2)]
        elif number in self._generators:
            keys = [(id(self._generators[number][0]), -2)]
        for key in keys:
            if self._numbers.get(key) == number:
                del self._numbers[key]

    def _forget(self, number: int) -> None:
        self._unname(number)
        for table in (self._blocks, self._parameters, self._generators):
            table.pop(number, None)
