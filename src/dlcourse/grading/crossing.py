"""What crosses between judge and worker, and how it is kept the same on both sides.

Numbers, texts, tuples, lists, sets, dictionaries, dtypes and NumPy's numbers cross by value.
Arrays, generators and parameters are on both sides, and each message brings what has changed in
them. All else stays where it is: a `Stand` takes its place. There is no pickle, and no class of one
side is looked up for the other but those of layers and optimizers, by name.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

import dlcourse.nn
import dlcourse.optim
from dlcourse.check.strict import StrictArray
from dlcourse.grading.atoms import (
    atom_in,
    atom_out,
    dtype_in,
    dtype_out,
    generator_in,
    state_in,
    state_out,
)
from dlcourse.grading.errors import CannotCross, identifier
from dlcourse.grading.shared import Place, bounds, foreign_block, own_block, whole
from dlcourse.grading.stand import Asks, Bound, Calling, Computing, Named, Stand, of
from dlcourse.grading.tables import MOST, Shared, Tables
from dlcourse.grading.wire import Malformed
from dlcourse.nn import Module, Parameter
from dlcourse.optim.optimizer import Optimizer

#: Entries of a dictionary or set: numbers can be chosen so that each is looked for among all.
ENTRIES = 10_000
_SCALARS = (type(None), bool, int, float, str)
#: Classes of the package that a stand-in may belong to, by name.
_CLASSES = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for space in (dlcourse.nn, dlcourse.optim)
    for kind in vars(space).values()
    if isinstance(kind, type) and issubclass(kind, Module | Optimizer)
}


class Crossing(Tables):
    """One side of the crossing: values as JSON and back, and what has changed beside them.

    Parameters
    ----------
    first : int
        0 on one side and 1 on the other, so that their numbers differ.
    asks : object
        What the stand-ins of this side ask.
    tuples : dict
        Named tuples that both sides have, by name: those of the assignment's first cell.
    """

    def __init__(self, first: int, asks: Asks) -> None:
        super().__init__(first)
        self.tuples: dict[str, type] = {}
        #: The worker hands over the whole of which an array is a part, and computes with arrays of
        #: another library that stay in the judge; the judge does neither.
        self.generous = self.computes = first == 1
        self._asks = asks
        self._raw: list[bytes] = []
        self._start = 0
        self._new: list[Any] = []

    # -- messages ------------------------------------------------------------------------

    def pack(self, *values: Any) -> tuple[list[Any], list[Any] | None, list[bytes]]:
        """Return values as JSON, what else the other side must know, and raw bytes."""
        self._raw, self._start, self._new = [], 0, []
        before = self._next
        try:
            coded = [self._out(value) for value in values]
        except BaseException:
            for number in range(before + 2, self._next + 2, 2):  # of which nobody will hear
                self._forget(number)
            raise
        if not (self._blocks or self._generators or self._parameters or self._gone):
            return coded, None, []
        parameters = [
            [number, *self._state(entry)]
            for number, entry in self._parameters.items()
            if not entry.same()
        ]
        generators = []
        for number, (generator, known) in self._generators.items():
            state = state_out(generator)
            if state != known:
                self._generators[number] = generator, state
                generators.append([number, state])
        known_well = self._leaving.union(number for number, *_ in self._new)
        changed = [
            [number, *self._bytes(data)]
            for number, block in self._blocks.items()
            if number not in known_well and (data := block.changed()) is not None
        ]
        gone, self._gone = self._gone, []
        news = [self._new, changed, generators, parameters, self._let_go(), gone]
        return coded, news if any(news) else None, self._raw

    def unpack(self, coded: Any, news: Any, raw: memoryview) -> list[Any]:
        """Return the values of a message."""
        try:
            left: list[Any] = []
            if news is not None:
                new, changed, generators, parameters, left, gone = news
                for number in gone:
                    if number in self._leaving:
                        self._leaving.discard(number)
                        self._forget(number)
                for number, start, size in new:
                    if number in self._blocks or len(self._blocks) > MOST:
                        raise Malformed("a block of memory that is known already")
                    block = self._blocks[number] = foreign_block(bytes(raw[start : start + size]))
                    self._numbers |= dict.fromkeys(block.keys, number)
                for number, start, size in changed:
                    if number in self._blocks and self.may_change(number):
                        self._blocks[number].update(bytes(raw[start : start + size]))
                for number, state in generators:
                    if number in self._generators:
                        generator = self._generators[number][0]
                        generator.bit_generator.state = state_in(state)
                        self._generators[number] = generator, state
                for number, *state in parameters:
                    if number in self._parameters:
                        self._set(self._parameters[number], state)
            values = [self._in(value) for value in coded]
            for number in left:
                if (
                    number in self._blocks
                    or number in self._parameters
                    or number in self._generators
                ):
                    self._leaving.discard(number)
                    self._forget(number)
                    self._gone.append(number)
            return values
        except Malformed:
            raise
        except (
            *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
            *(RecursionError, MemoryError),
        ) as error:
            raise Malformed(f"an answer that cannot be read ({type(error).__name__})") from error

    def handed(self, number: int) -> None:
        """Note that an array of this number is part of what is being packed."""

    def may_change(self, number: int) -> bool:
        """Return whether the other side may change an array now."""
        return True

    def _bytes(self, data: bytes) -> tuple[int, int]:
        self._raw.append(data)
        self._start += len(data)
        return self._start - len(data), len(data)

    # -- out -----------------------------------------------------------------------------

    def _out(self, value: Any) -> Any:
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is tuple:
            return ["t", *map(self._out, value)]
        if kind is list:
            return ["l", *map(self._out, value)]
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Stand):
            asks, number = of(value)
            return ["y", number] if asks is self._asks else self._object(value)
        if isinstance(value, Parameter):
            return self._parameter(value)
        if kind is np.random.Generator:
            return self._generator(value)
        return self._rarer(value)

    def _rarer(self, value: Any) -> Any:
        if isinstance(value, tuple):
            name = type(value).__name__
            if type(value) is self.tuples.get(name):
                return ["N", name, *map(self._out, value)]
            return ["t", *map(self._out, value)]
        if isinstance(value, list):
            return ["l", *map(self._out, value)]
        if isinstance(value, dict | set | frozenset) and len(value) > ENTRIES:
            raise CannotCross(f"more than {ENTRIES:,} entries cannot be handed over")
        if isinstance(value, dict):
            return ["d", *([self._out(k), self._out(v)] for k, v in value.items())]
        if isinstance(value, set | frozenset):
            return ["S" if isinstance(value, set) else "F", *map(self._out, value)]
        if isinstance(value, slice):
            return ["s", *map(self._out, (value.start, value.stop, value.step))]
        if isinstance(value, Bound):
            asks, number = of(value.stand)
            if asks is self._asks:
                return ["m", number, value.name]
        if isinstance(value, Named):
            return ["v", value.__name__]
        code = atom_out(value)
        if code is not None:
            return code
        if isinstance(value, types.ModuleType | types.FrameType | types.CodeType):
            raise CannotCross(f"a {type(value).__name__} cannot be handed over")
        return self._object(value)

    def _object(self, value: Any) -> list[Any]:
        number = self._own_numbers.get(id(value))
        if number is None:
            if len(self._own) >= MOST:
                raise CannotCross(f"more than {MOST:,} objects are handed over")
            number = self._own_numbers[id(value)] = self._number()
            self._own[number] = value
        named = next((n for n in map(_full_name, type(value).__mro__) if n in _CLASSES), None)
        computing = isinstance(value, StrictArray)
        name = getattr(value, "__name__", None) if callable(value) else None
        told = name if isinstance(name, str) else type(value).__name__
        return ["o", number, named or ("array" if computing else None), told, callable(value)]

    def _array(self, value: np.ndarray) -> list[Any]:
        dtype = dtype_out(value.dtype)
        if isinstance(value, np.ma.MaskedArray) or dtype is None:
            raise CannotCross(f"an array of dtype {value.dtype} cannot be handed over")
        if type(value) is not np.ndarray:
            value = value.view(np.ndarray)
        root, fresh = whole(value), False
        low, high = bounds(value, root, self.generous)
        number = self._numbers.get((id(root), -1))
        if number is None or not self._blocks[number].covers(low, high):
            number = self._numbers.get((id(root), low))
            if number is None or not self._blocks[number].covers(low, high):
                number = self._number()
                block = own_block(value, root, low, high, gaps=not self.generous)
                self._blocks[number] = block
                self._numbers |= dict.fromkeys(block.keys, number)
                fresh = True
        block = self._blocks[number]
        place: Place = (
            int(value.__array_interface__["data"][0]) - block.low,
            value.shape,
            value.strides,
            value.dtype,
            value.flags.writeable,
        )
        block.views.setdefault(place, value)
        if fresh:
            block.changed()
            self._new.append([number, *self._bytes(block.known)])
        self.handed(number)
        return ["a", number, *place[:3], dtype, place[4]]

    def _parameter(self, value: Parameter) -> list[Any]:
        number = self._numbers.get((id(value), -2))
        if number is not None:
            return ["p", number]
        number = self._numbers[id(value), -2] = self._number()
        self._parameters[number] = entry = Shared(value)
        return ["P", number, *self._state(entry)]

    def _state(self, entry: Shared) -> list[Any]:
        p = entry.parameter
        entry.remember()
        return [self._out(p.data), self._out(p.grad), p.requires_grad]

    def _generator(self, value: np.random.Generator) -> list[Any]:
        number = self._numbers.get((id(value), -2))
        if number is not None:
            return ["g", number]
        number = self._numbers[id(value), -2] = self._number()
        state = state_out(value)
        self._generators[number] = value, state
        return ["G", number, state]

    # -- in ------------------------------------------------------------------------------

    def _in(self, code: Any) -> Any:
        if type(code) in _SCALARS:
            return code
        tag, *rest = code
        if tag == "t":
            return tuple(map(self._in, rest))
        if tag == "l":
            return list(map(self._in, rest))
        if tag == "a":
            return self._array_in(*rest)
        if tag == "y":
            return self.own(*rest)
        if tag == "o":
            return self._stand(*rest)
        if tag == "p":
            return self._parameters[rest[0]].parameter
        if tag == "P":
            return self._parameter_in(*rest)
        if tag == "g":
            return self._generators[rest[0]][0]
        if tag == "G":
            return self._generator_in(*rest)
        return self._rarer_in(tag, rest)

    def _rarer_in(self, tag: str, rest: list[Any]) -> Any:
        if tag == "m":
            return self.method(*rest)
        if tag == "v":
            return self.variable(*rest)
        if tag == "N":
            return self.tuples[rest[0]](*map(self._in, rest[1:]))
        if tag in ("d", "S", "F") and len(rest) > ENTRIES:
            raise Malformed(f"more than {ENTRIES:,} entries of a dictionary or set")
        if tag == "d":
            return {self._in(key): self._in(value) for key, value in rest}
        if tag in ("S", "F"):
            return (set if tag == "S" else frozenset)(map(self._in, rest))
        if tag == "s":
            return slice(*map(self._in, rest))
        return atom_in(tag, rest)

    def variable(self, name: Any) -> Any:
        """Return what the learner's notebook calls by a name."""
        raise Malformed("a name of a notebook that is not here")

    def method(self, number: Any, name: Any) -> Any:
        """Return a method of an object of this side, which the other side asks for."""
        return getattr(self.own(number), name)

    def _array_in(
        self, number: Any, offset: int, shape: list[int], strides: list[int], dtype: Any, w: bool
    ) -> np.ndarray:
        place = (offset, tuple(shape), tuple(strides), dtype_in(dtype), bool(w))
        return self._blocks[number].view(place)

    def _parameter_in(self, number: Any, *state: Any) -> Parameter:
        if number in self._parameters:
            raise Malformed("a parameter that is known already")
        parameter = Parameter(self._in(state[0]))
        entry = self._parameters[number] = Shared(parameter)
        self._numbers[id(parameter), -2] = number
        self._set(entry, list(state))
        return parameter

    def _set(self, entry: Shared, state: list[Any]) -> None:
        data, grad, learns = state
        entry.parameter.data, entry.parameter.grad = self._in(data), self._in(grad)
        entry.parameter.requires_grad = bool(learns)
        entry.remember()

    def _generator_in(self, number: Any, state: Any) -> np.random.Generator:
        if number in self._generators:
            raise Malformed("a generator that is known already")
        generator = generator_in(state)
        self._generators[number] = generator, state
        self._numbers[id(generator), -2] = number
        return generator

    def _stand(self, number: Any, named: str | None, told: str, called: bool) -> Stand:
        if not isinstance(number, int) or not isinstance(told, str):
            raise Malformed("an object without a number")
        if number not in self._stands:
            if len(self._stands) >= MOST:
                raise Malformed(f"more than {MOST:,} objects")
            kind: type = Calling if called else Stand
            if named in _CLASSES:
                kind = type(identifier(told), (kind, _CLASSES[named]), {})
            elif named == "array" and self.computes:
                kind = Computing
            stand: Stand = object.__new__(kind)
            self._stands[number] = stand
            Stand.__init__(stand, self._asks, number, told[:80])
        return self._stands[number]


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
