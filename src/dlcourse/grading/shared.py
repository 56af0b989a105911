"""Arrays that judge and worker both have: the same memory layout, and kept the same.

An array crosses as the block of memory that it is a view of, and its place in there. So views stay
views, what shares memory shares it on the other side, and gaps and strides are what they were. A
block is known on both sides by a number as long as both hold on to it; each message brings what has
changed in it.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

#: dtypes that cross: numbers and booleans, by NumPy's characters.
KINDS = frozenset("?bBhHiIlLqQefdgFD")
#: A view of a larger array brings the whole of it along, up to this many bytes or this factor.
WHOLE, FACTOR = 2**20, 4

#: Bytes that an array may seem to have: one number, repeated without end, takes four.
LARGEST = 2**28

#: Offset in bytes, shape, strides, dtype, whether it may be written to.
Place = tuple[int, tuple[int, ...], tuple[int, ...], np.dtype, bool]


class _Memory:
    """Some bytes of an array, for NumPy to look at."""

    def __init__(self, array: np.ndarray, low: int, high: int) -> None:
        self.array = array
        self.__array_interface__ = {
            "data": (low, not array.flags.writeable),
            "shape": (high - low,),
            "typestr": "|u1",
            "version": 3,
        }


class Block:
    """Memory of which both sides have a copy.

    Parameters
    ----------
    raw : array of uint8
        The bytes on this side.
    owner : array, optional
        The array that they belong to, if it was made on this side.
    """

    __slots__ = ("_gaps", "_raw", "keys", "known", "owner", "views")

    def __init__(
        self, raw: np.ndarray, owner: np.ndarray | None = None, gaps: bool = False
    ) -> None:
        self._raw, self.owner, self._gaps = raw, owner, gaps
        self.known = b"" if gaps else raw.tobytes()
        self.views: dict[Place, np.ndarray] = {}
        #: What arrays are known by that lie in this block: (id of the whole array, first address).
        self.keys = [(id(raw), -1)]

    @property
    def low(self) -> int:
        """The first address."""
        low: int = self._raw.__array_interface__["data"][0]
        return low

    def covers(self, low: int, high: int) -> bool:
        """Return whether an array between these addresses lies in the block."""
        return self.low <= low and high <= self.low + self._raw.size

    def changed(self) -> bytes | None:
        """Return the bytes if they are not what the other side knows; from now on it does."""
        now = self._with_gaps() if self._gaps else self._raw.tobytes()
        if now == self.known:
            return None
        self.known = now
        return now

    def _with_gaps(self) -> bytes:
        # What lies between the values of an array is not the other side's to see: it gets NaN.
        now = np.full(self._raw.size, 0xFF, np.uint8)
        for (offset, shape, strides, dtype, _), view in self.views.items():
            np.copyto(np.ndarray(shape, dtype, now, offset, strides), view)
        return now.tobytes()

    def update(self, data: bytes) -> None:
        """Take over what the other side has changed."""
        if len(data) != self._raw.size:
            raise ValueError("a block of memory has another size")
        if not self._raw.flags.writeable:
            return
        if self._gaps:
            for (offset, shape, strides, dtype, writeable), view in self.views.items():
                if writeable:
                    view[...] = np.ndarray(shape, dtype, data, offset, strides)
        else:
            self._raw[...] = np.frombuffer(data, np.uint8)
        self.known = data

    def view(self, place: Place) -> np.ndarray:
        """Return the array at a place in the block: the same object each time."""
        if place not in self.views:
            offset, shape, strides, dtype, writeable = place
            if math.prod(shape) * dtype.itemsize > LARGEST:
                raise ValueError("an array that is too large")
            made: np.ndarray = np.ndarray(shape, dtype, self._raw, offset, strides)
            if not writeable:
                made.flags.writeable = False
            self.views[place] = made
        return self.views[place]

    def held(self) -> bool:
        """Whether anything on this side holds on to the memory, beside this object."""
        base = self._raw if self.owner is None else self.owner
        # Of `base`: the attribute, the variable, getrefcount's argument; _Memory has the owner too.
        inside = 3 if self.owner is None else 4
        for view in self.views.values():
            inside += (view is base) + (view.base is base)
            if view is not base and sys.getrefcount(view) > 3:
                return True
        view = None  # type: ignore[assignment]
        return sys.getrefcount(base) > inside


def whole(array: np.ndarray) -> np.ndarray:
    """Return the array that an array is a view of, or itself."""
    base: Any = array
    while base is not None:
        if isinstance(base, np.ndarray):
            array = base
        # What as_strided leaves behind is no array, but has one.
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return array


def bounds(array: np.ndarray, of: np.ndarray, all_of_it: bool) -> tuple[int, int]:
    """Return the addresses between which memory is to cross for an array, a view `of` another.

    With `all_of_it` that is the whole of the other, unless it is much larger.
    """
    if array is of and array.flags.c_contiguous:
        address = int(array.__array_interface__["data"][0])
        return address, address + array.nbytes
    low, high = byte_bounds(array)
    first, last = byte_bounds(of)
    inside = first <= low and high <= last
    if all_of_it and inside and last - first <= max(WHOLE, FACTOR * array.nbytes):
        return int(first), int(last)
    return int(low), int(high)


def own_block(array: np.ndarray, owner: np.ndarray, low: int, high: int, gaps: bool) -> Block:
    """Return a block of memory of this side, for an array, a view of its owner."""
    block = Block(np.asarray(_Memory(owner, low, high)), owner, gaps and array.nbytes < high - low)
    block.keys.append((id(owner), low))
    return block


def foreign_block(data: bytes) -> Block:
    """Return a block with what the other side has."""
    raw = np.empty(len(data), np.uint8)
    raw[...] = np.frombuffer(data, np.uint8)
    return Block(raw)
