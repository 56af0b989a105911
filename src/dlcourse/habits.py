"""What users of PyTorch write by habit: one sentence with the line to write here instead.

A class that derives from `Familiar` explains wrong arguments to its constructor, and attributes
that torch has and it does not; its `hints` hold the lines. `explained` does the former for a
function, and `absent` the latter for a module.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

_GENERATOR = "np.random.default_rng(0)"


def explained(function: F) -> F:
    """Let a function say how to call it if an argument is unknown or a generator is missing.

    Everything that draws takes a `numpy.random.Generator` as ``rng``: there is no global random
    state, so the same seed always gives the same numbers.

    Examples
    --------
    >>> @explained
    ... def roll(sides, *, rng):
    ...     return rng.integers(1, sides + 1)
    >>> roll(6)
    Traceback (most recent call last):
    TypeError: roll draws random numbers: pass a generator, roll(6, rng=np.random.default_rng(0))
    >>> roll(6, dice=2, rng=np.random.default_rng(0))
    Traceback (most recent call last):
    TypeError: roll has no dice=: leave it out and write roll(6, rng=np.random.default_rng(0))
    """
    parameters = inspect.signature(function).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    places = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    most = None if inspect.Parameter.VAR_POSITIONAL in kinds else len(places)
    known = None if inspect.Parameter.VAR_KEYWORD in kinds else parameters.keys()
    rng = parameters.get("rng")
    at = places.index("rng") if "rng" in places else len(parameters)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if known is not None and not kwargs.keys() <= known:
            raise TypeError(_unknown(function, args, kwargs, known))
        if most is not None and len(args) > most:
            raise TypeError(_too_many(function, args, places))
        if rng is not None:
            given = kwargs["rng"] if "rng" in kwargs else args[at] if len(args) > at else None
            optional = given is None and rng.default is None
            if not optional and not isinstance(given, np.random.Generator):
                raise TypeError(_no_generator(function, args[:at] + args[at + 1 :], kwargs))
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


class Familiar:
    """Base of classes that users of PyTorch know: one sentence says what is not here.

    Examples
    --------
    >>> class Layer(Familiar):
    ...     hints = {"cuda": 'write to("cuda")'}
    ...     def __init__(self, width):
    ...         self.width = width
    >>> Layer(3, inplace=True)
    Traceback (most recent call last):
    TypeError: Layer has no inplace=: leave it out and write Layer(3)
    >>> Layer(3).cuda()
    Traceback (most recent call last):
    AttributeError: 'Layer' object has no attribute 'cuda': write to("cuda")
    """

    #: What to write in place of torch's attributes ("cuda") and arguments ("momentum="), and where
    #: a method takes fewer values ("step()").
    hints: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__init__" in vars(cls):
            cls.__init__ = explained(cls.__init__)  # type: ignore[method-assign]

    if not TYPE_CHECKING:  # to a type checker this would mean that every attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            hint = self._hint(name)
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}{hint and ': '}{hint}",
                name=name,
                obj=self,
            )

    def _hint(self, name: str) -> str:
        return self.hints.get(name, "")


def absent(module: str, hints: Mapping[str, str], otherwise: str = "") -> Callable[[str], NoReturn]:
    """Return a ``__getattr__`` for a module, which says what to write for a name it lacks.

    Parameters
    ----------
    module : str
        Its name.
    hints : mapping
        From a name that torch has to what to write instead.
    otherwise : str
        What to write for every other capitalised name, which stands for a class.

    Examples
    --------
    >>> absent("dlcourse.nn", {"Identity": "write Sequential()"})("Identity")
    Traceback (most recent call last):
    AttributeError: dlcourse.nn has no Identity: write Sequential()
    """

    def of_module(name: str) -> NoReturn:
        hint = hints.get(name, otherwise if name[:1].isupper() else "")
        raise AttributeError(f"{module} has no {name}{hint and ': '}{hint}", name=name)

    return of_module


def _name(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return what a reader calls the function, and the arguments without ``self``."""
    owner, _, name = function.__qualname__.rpartition(".")
    if not owner or owner.endswith("<locals>") or not args:
        return name if name != "__init__" else owner, args
    kind = type(args[0]).__name__
    called = {"__init__": kind, "__call__": f"{kind}(...)"}.get(name, f"{kind}.{name}")
    return called, args[1:]


def _hints(args: tuple[Any, ...]) -> Mapping[str, str]:
    return args[0].hints if args and isinstance(args[0], Familiar) else {}


def _written(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return the line that calls a function with these arguments."""
    parts = [*map(_short, args), *(f"{key}={_short(value)}" for key, value in kwargs.items())]
    return f"{name}({', '.join(parts)})"


def _short(value: Any, otherwise: str = "...") -> str:
    if isinstance(value, np.random.Generator):
        return _GENERATOR
    simple = value is None or isinstance(value, int | float | str | tuple)
    return repr(value) if simple and len(repr(value)) < 40 else otherwise


def _no_generator(function: F, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    name, args = _name(function, args)
    args = tuple(value for value in args if not isinstance(value, np.random.Generator))
    what = "its initial weights" if function.__name__ == "__init__" else "random numbers"
    others = {key: value for key, value in kwargs.items() if key != "rng"}
    line = _written(name, args, others)[:-1] + f"{', ' if args or others else ''}rng={_GENERATOR})"
    found = kwargs.get("rng")
    found = "" if found is None else f", in place of {_short(found, type(found).__name__)}"
    return f"{name} draws {what}: pass a generator, {line}{found}"


def _unknown(function: F, args: tuple[Any, ...], kwargs: Mapping[str, Any], known: Any) -> str:
    name, others = _name(function, args)
    line = _written(name, others, {key: kwargs[key] for key in kwargs if key in known})
    unknown = [
        f"no {key}=: {_hints(args).get(f'{key}=') or f'leave it out and write {line}'}"
        for key in kwargs
        if key not in known
    ]
    return f"{name} has {'; '.join(unknown)}"


def _too_many(function: F, args: tuple[Any, ...], places: list[str]) -> str:
    name, values = _name(function, args)
    names = ", ".join(places[len(args) - len(values) :]) or "nothing"
    otherwise = (
        "give the others by name"
        if places[len(args) - len(values) :]
        else (f"leave it out and write {name}()")
    )
    hint = _hints(args).get(f"{function.__name__}()", otherwise)
    return f"{name} takes {names} by position, found {len(values)}: {hint}"
