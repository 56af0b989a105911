"""What stands on one side for an object that stays on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

import numpy as np

from dlcourse.check.failure import CheckFailed


class Asks(Protocol):
    """What a stand-in needs: to call the other side, and to get and set attributes there."""

    def call(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of the other side's object."""

    def get(self, number: int, name: str) -> Any:
        """Return an attribute of it; `METHOD` if it is one to be called."""

    def set(self, number: int, name: str, value: Any) -> None:
        """Set an attribute of it."""


#: What `Asks.get` returns for a method.
METHOD = object()


class Bound:
    """A method of the other side's object."""

    def __init__(self, stand: Stand, name: str) -> None:
        self.stand, self.name = stand, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        asks, number = of(self.stand)
        return asks.call(number, self.name, args, kwargs)


class Named:
    """What a cell of the learner's is to define, by its name; whoever calls it is told where."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(self.__name__, *args, **kwargs)


class Stand:
    """An object of the other side: it is asked, and answers with data or with more of these.

    Nothing is compared or taken for true on the word of the other side: a stand-in equals itself
    alone, and whoever asks whether it is true or what number it is hears that it is neither.
    """

    # An object without a dictionary of its own would be smaller, but a layer's class has one.
    def __init__(self, asks: Asks, number: int, told: str) -> None:
        for name, value in (("_asks", asks), ("_number", number), ("_told", told)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_methods", {})

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            return object.__getattribute__(self, name)
        methods: dict[str, Bound] = object.__getattribute__(self, "_methods")
        if name not in methods:
            asks, number = of(self)
            value = asks.get(number, name)
            if value is not METHOD:
                return value
            methods[name] = Bound(self, name)
        return methods[name]

    def __setattr__(self, name: str, value: Any) -> None:
        asks, number = of(self)
        asks.set(number, name, value)

    def __len__(self) -> int:
        return int(_ask(self, "__len__", (), {}))

    def __getitem__(self, index: Any) -> Any:
        return _ask(self, "__getitem__", (index,), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        _ask(self, "__setitem__", (index, value), {})

    def __contains__(self, value: Any) -> bool:
        return _ask(self, "__contains__", (value,), {}) is True

    def __iter__(self) -> Iterator[Any]:
        found: Iterator[Any] = _ask(self, "__iter__", (), {})
        return found

    def __next__(self) -> Any:
        return _ask(self, "__next__", (), {})

    def __enter__(self) -> Any:
        return _ask(self, "__enter__", (), {})

    def __exit__(self, *told: object) -> None:
        _ask(self, "__exit__", (None, None, None), {})

    def _neither(self, *_: object, **__: object) -> NoReturn:
        raise CheckFailed(f"{object.__getattribute__(self, '_told')} is no number, array or text.")

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __array__ = _neither

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_told')}>"

    __str__ = __repr__
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class Calling(Stand):
    """An object of the other side that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _ask(self, "__call__", args, kwargs)


def of(stand: Stand) -> tuple[Asks, int]:
    """Return whom a stand-in asks, and the number that its object has there."""
    return object.__getattribute__(stand, "_asks"), object.__getattribute__(stand, "_number")


def _ask(stand: Stand, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    asks, number = of(stand)
    return asks.call(number, name, args, kwargs)


def _operator(name: str) -> Callable[..., Any]:
    def operate(self: Stand, *args: Any, **kwargs: Any) -> Any:
        return _ask(self, name, args, kwargs)

    operate.__name__ = name
    return operate


class Computing(Stand):
    """An array of another library that stays on the other side; all is computed there."""

    __bool__, __float__, __int__ = map(_operator, ("__bool__", "__float__", "__int__"))
    __index__, __array__ = map(_operator, ("__index__", "__array__"))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return _ask(self, "__array_ufunc__", (ufunc.__name__, method, *inputs), options)

    def __array_function__(self, function: Any, *others: Any) -> Any:
        return _ask(self, "__array_function__", (function.__name__,), {})


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
_OTHERS = ("lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert")
#: Operators of an array.
OPERATORS = (
    *(f"__{prefix}{name}__" for name in _BINARY for prefix in ("", "r", "i")),
    *(f"__{name}__" for name in _OTHERS),
)
for _name in OPERATORS:
    setattr(Computing, _name, _operator(_name))
Computing.__hash__ = object.__hash__  # type: ignore[assignment]
