"""What a test called, and in one sentence what became of the call.

NumPy's errors speak of an operation deep inside of a function: "operands could not be broadcast
together with shapes (2,2,3) (5,)". Whoever wrote the function needs to know besides which call it
was, and where in their own code it ended. `ended` and `misfit` say so, as a `CheckFailed` that is
still an error of the kind it was.
"""

from __future__ import annotations

import linecache
import re
import reprlib
import threading
from collections.abc import Iterable
from types import CodeType, FrameType, TracebackType

import numpy as np

from dlcourse.check.failure import CheckFailed
from dlcourse.check.strict import StrictArray

#: What a test raises that cannot work with what it was given.
_MISFITS = TypeError, ValueError, AttributeError, LookupError


def described(value: object) -> str:
    """Return a value in few words: arrays by shape and dtype.

    Examples
    --------
    >>> described(np.zeros((2, 3), np.float32)), described((2, 2)), described(np.float64(1))
    ('(2, 3) float32', '(2, 2)', '1.0')
    >>> described([np.zeros(3), None])
    '[(3,) float64, None]'
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str | type):
        return value.__name__ if isinstance(value, type) else reprlib.repr(value)
    if isinstance(value, list | tuple) and len(value) <= 4:
        inside = ", ".join(described(part) for part in value)
        comma = "," if len(value) == 1 else ""
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{comma})"
    if isinstance(value, np.ndarray | StrictArray):
        return f"{value.shape} {value.dtype}"
    if type(value).__module__.startswith("dlcourse.grading."):
        return repr(value).strip("<>")  # it stands for an object of another process
    return type(value).__name__


def call(name: str, arguments: Iterable[tuple[str, object]]) -> str:
    """Return a call in few words.

    Examples
    --------
    >>> call("conv", [("x", np.zeros((1, 2))), ("", 3), ("stride", 2)])
    'conv(x (1, 2) float64, 3, stride 2)'
    """
    return (
        f"{name}({', '.join(f'{label} {described(value)}'.strip() for label, value in arguments)})"
    )


def ended(error: Exception, what: str, where: str = "") -> Exception:
    """Return what to raise for an error that a call ended with.

    That is the error itself if it is a sentence of a check, or says that the work is not done yet.

    Parameters
    ----------
    error : Exception
        What was raised.
    what : str
        The call; empty if the text of the error says enough.
    where : str
        In which line.

    Examples
    --------
    >>> told = ended(ValueError("no such axis"), "conv(x (1, 2))", "in line 3, `x.sum(5)`")
    >>> str(told), isinstance(told, CheckFailed), isinstance(told, ValueError)
    ('conv(x (1, 2)) ended with a ValueError in line 3, `x.sum(5)`: no such axis.', True, True)
    """
    if isinstance(error, CheckFailed | NotImplementedError):
        return error
    kind, text = type(error).__name__, _plain(str(error))
    if "NoneType" in text or "dtype object" in text:
        text += "; a function without a return gives None, and so does what is not there"
    if not what:
        return _also(error, f"{text}.")
    an = "an" if kind[0] in "AEIOU" else "a"
    place = f" {where}" if where else ""
    return _also(error, f"{what} ended with {an} {kind}{place}{': ' if text else ''}{text}.")


def misfit(error: Exception, returned: tuple[str, str] | None) -> Exception:
    """Return what to raise for an error in a test that came after an answer.

    Parameters
    ----------
    error : Exception
        What was raised, by the test or by what it called of the library.
    returned : tuple
        What returned last, and what it was, if anything was called.

    Examples
    --------
    >>> none = TypeError("cannot unpack non-iterable NoneType object")
    >>> print(misfit(none, ("split", "None")))
    split returned None; is a return missing?
    >>> many = ValueError("too many values to unpack (expected 2)")
    >>> print(misfit(many, ("split", "(1, 2, 3)")))
    What split returned does not fit: it is (1, 2, 3), and too many values to unpack (expected 2).
    """
    if isinstance(error, CheckFailed | NotImplementedError):
        return error
    if _by_library(_steps(error.__traceback__)):
        return ended(error, "")
    if returned is None or not isinstance(error, _MISFITS):
        return error
    name, found = returned
    if found != "None":
        what = f"What {name} returned does not fit: it is {found}"
        return _also(error, f"{what}, and {_plain(str(error))}.")
    if "None" in str(error):
        return _also(error, f"{name} returned None; is a return missing?")
    return error


def _plain(text: str) -> str:
    """Return the text of an error, with NumPy's word for a product in plain ones.

    >>> _plain("matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
    ...        "signature (n?,k),(k,m?)->(n?,m?) (size 16 is different from 8)")
    'matmul (@): the left array has rows of 8 values, and the right one columns of 16'
    """
    product = re.fullmatch(
        r"matmul: Input operand 1 .*\(size (\d+) is different from (\d+)\)", text.strip()
    )
    if product:
        return (
            f"matmul (@): the left array has rows of {product[2]} values, and the right one "
            f"columns of {product[1]}"
        )
    return text.strip().removesuffix(".")


def _also(error: Exception, sentence: str) -> CheckFailed:
    """Return a `CheckFailed` that an ``except`` for the error catches too."""
    try:
        kind = type(
            CheckFailed.__name__, (CheckFailed, type(error)), {"__str__": lambda _: sentence}
        )
        told: CheckFailed = kind(sentence)
    except TypeError:  # of a kind that asks for more than a sentence
        return CheckFailed(sentence)
    return told


class Calls:
    """The calls that a test makes of code of other cells; told by the frames of a profile.

    Parameters
    ----------
    test : frame
        The test's.
    """

    def __init__(self, test: FrameType) -> None:
        self._names = test.f_globals
        self._tests = {test.f_code.co_filename}  # cells of tests: they call checks
        self._begun: dict[CodeType, str] = {}
        self._last = threading.local()

    def look(self, frame: FrameType, event: str, argument: object) -> None:
        """Note a call from outside of these cells, or what it returned."""
        code, before = frame.f_code, frame.f_back
        if "check" in code.co_names and frame.f_globals is self._names:
            self._tests.add(code.co_filename)
        if not self._theirs(frame) or before is None or self._theirs(before):
            return
        if event == "call":
            labels = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            values = frame.f_locals
            given = [(label, values[label]) for label in labels if label in values]
            self._begun[code] = call(code.co_qualname, [one for one in given if one[0] != "self"])
        elif event == "return" and code in self._begun:
            self._last.returned = code.co_qualname, described(argument)

    def told(self, error: Exception) -> Exception:
        """Return what to raise for an error in the test or in what it called."""
        steps = _steps(error.__traceback__)
        frames = [step for step in steps if self._theirs(step.tb_frame)]
        if frames:
            what = self._begun.get(frames[0].tb_frame.f_code)
            if _by_library(steps):
                return ended(error, "")
            return error if what is None else ended(error, what, _line(frames[-1]))
        return misfit(error, getattr(self._last, "returned", None))

    def _theirs(self, frame: FrameType) -> bool:
        return frame.f_globals is self._names and frame.f_code.co_filename not in self._tests


def _steps(traceback: TracebackType | None) -> list[TracebackType]:
    steps = []
    while traceback is not None:
        steps.append(traceback)
        traceback = traceback.tb_next
    return steps


def _by_library(steps: list[TracebackType]) -> bool:
    """Return whether the library raised it, whose errors are sentences."""
    module = str(steps[-1].tb_frame.f_globals.get("__name__")) if steps else ""
    return module.startswith("dlcourse.") and not module.startswith("dlcourse.grading.")


def _line(step: TracebackType) -> str:
    """Return which line it is, and the line itself if the notebook knows it."""
    text = linecache.getline(step.tb_frame.f_code.co_filename, step.tb_lineno).strip()
    return f"in line {step.tb_lineno} of its cell" + (f", `{text[:80]}`" if text else "")
