"""How a check fails: in one sentence, which IPython shows alone."""

from __future__ import annotations

from collections.abc import Callable


class CheckFailed(AssertionError):
    """The answer is not right yet; the message says why, as far as can be told."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of the traceback through the checks, which would say nothing.
        return [f"Not right yet: {self}"]


def that(condition: object, message: str) -> None:
    """Fail with a message unless the condition holds.

    Examples
    --------
    >>> that(1 + 1 == 2, "one and one should be two")
    """
    if not condition:
        raise CheckFailed(message)


def raises(error: type[Exception], function: Callable[[], object], message: str) -> None:
    """Fail with a message unless the call raises an error of the given kind.

    Examples
    --------
    >>> raises(ZeroDivisionError, lambda: 1 / 0, "division by zero should be refused")
    """
    try:
        function()
    except error:
        return
    raise CheckFailed(message)


def passed(task: str, hidden: bool = True) -> None:
    """Say that the visible tests of a task passed, and that this is not the end.

    Examples
    --------
    >>> passed("Task 1")
    Task 1: the visible tests pass. Hidden tests come when your work is graded.
    """
    more = " Hidden tests come when your work is graded." if hidden else ""
    print(f"{task}: the visible tests pass.{more}")
