"""Errors that cross: as the names of their classes and a text."""

from __future__ import annotations

import builtins
import contextlib
from typing import Any

from dlcourse.check.failure import CheckFailed
from dlcourse.distributed import CommunicationError
from dlcourse.grading.wire import Malformed

_ERRORS: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, UnicodeError | BaseExceptionGroup)
} | {"CheckFailed": CheckFailed, "CommunicationError": CommunicationError}


class CannotCross(TypeError):
    """Something that is neither data nor can stay where it is."""


def error_out(error: BaseException) -> list[str]:
    """Return an error as data: what it says, and the names of its classes."""
    try:
        text = str(error)
    except Exception:  # of the learner's own class
        text = "an error that cannot be shown"
    return [text[:2000], *(kind.__name__ for kind in type(error).__mro__[:-2])]


def error_in(told: Any) -> Exception:
    """Return an error of the other side, of the nearest class that this side has.

    >>> error_in(["no such word", "Missing", "KeyError", "LookupError", "Exception"])
    Missing('no such word')
    """
    if not isinstance(told, list) or len(told) < 2 or not all(isinstance(t, str) for t in told):
        raise Malformed("an error that cannot be read")
    text, *names = told
    text = text.encode(errors="backslashreplace").decode()  # half a pair of UTF-16 is no text
    base = next((_ERRORS[name] for name in names if name in _ERRORS), Exception)
    if names[0] in _ERRORS and base is not KeyError:
        with contextlib.suppress(TypeError):
            return base(text)
    kind = type(identifier(names[0]), (base,), {"__init__": _nothing, "__str__": _text})
    error: Exception = kind(text)
    error.args = (text,)
    return error


def identifier(name: str) -> str:
    """Return a name of the other side for a class of this one."""
    return name[:80] if name.isidentifier() else "Unknown"


def _nothing(self: Exception, *_: object) -> None:
    pass


def _text(self: Exception) -> str:
    return str(self.args[0])
