"""What an error in a cell or in a test says to the learner, in one line or a few."""

from __future__ import annotations

import traceback

from dlcourse.check.failure import CheckFailed

#: Characters of a message.
LONGEST = 500
#: The name of every cell of the learner's, as tracebacks have it.
CELL = "<cell>"


def of_test(error: BaseException) -> str:
    """Return what a test that failed says.

    Examples
    --------
    >>> of_test(NotImplementedError())
    'This part is not written yet (NotImplementedError).'
    >>> of_test(KeyError("w"))
    "KeyError: 'w'"
    """
    text = str(error).strip().encode(errors="backslashreplace").decode()
    if isinstance(error, CheckFailed):
        return text[:LONGEST]
    if isinstance(error, NotImplementedError) and not text:
        return "This part is not written yet (NotImplementedError)."
    return f"{type(error).__name__}: {text}".removesuffix(": ")[:LONGEST]


def of_cell(error: BaseException) -> str:
    """Return what became of a cell: the error, and in which line.

    Examples
    --------
    >>> try:
    ...     exec(compile("x = 1\\ny = x + z", CELL, "exec"), {})
    ... except NameError as error:
    ...     print(of_cell(error))
    NameError: name 'z' is not defined (line 2 of the cell)
    """
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text[:400]}{where(error)}"


def where(error: BaseException) -> str:
    """Return where in the learner's cells an error comes from, "" if from none.

    Examples
    --------
    >>> names = {}
    >>> exec(compile("def half(x):\\n  return x / 0", CELL, "exec"), names)
    >>> try:
    ...     names["half"](1)
    ... except ZeroDivisionError as error:
    ...     print(where(error))
     (in half, line 2 of its cell)
    """
    line = getattr(error, "lineno", None)
    return place(traceback.extract_tb(error.__traceback__)) or (
        f" (line {line} of the cell)" if line else ""
    )


def place(stack: traceback.StackSummary) -> str:
    """Return the innermost line of the learner's cells in a stack, "" if there is none."""
    frames = [frame for frame in stack if frame.filename == CELL]
    if not frames:
        return ""
    if frames[-1].name == "<module>":
        return f" (line {frames[-1].lineno} of the cell)"
    return f" (in {frames[-1].name}, line {frames[-1].lineno} of its cell)"
