"""Whose work it is: noticing calls to ready-made versions of what an exercise asks for."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from dlcourse.check.calls import Calls
from dlcourse.check.failure import CheckFailed

#: What `own_work` counts as somebody else's work: the modules that do what exercises ask for.
FINISHED = (
    "dlcourse.applications",
    "dlcourse.data.augment",
    "dlcourse.distributed",
    "dlcourse.lessons",
    "dlcourse.models",
    "dlcourse.nn",
    "dlcourse.optim",
    "dlcourse.precision",
    "dlcourse.training",
    "dlcourse.zoo",
    "scipy",
    "torch",
)
#: What nobody has to write again: the base classes with the guard around their passes, and
#: messages from one rank to another.
COMMON = (
    "dlcourse.nn.containers",
    "dlcourse.nn.contract",
    "dlcourse.nn.draws",
    "dlcourse.nn.module",
    "dlcourse.nn.parameter",
    "dlcourse.distributed.messages",
    "dlcourse.distributed.single",
    "dlcourse.distributed.threads",
)
#: In a worker of grading: whether a test is calling the learner's code.
called = False
#: What was the profile of new threads before all blocks, and the look of each block under way.
_looks: list[Any] = []
_lock = threading.Lock()


@contextmanager
def own_work(allowed: tuple[str, ...] = (), but_not: tuple[str, ...] = ()) -> Iterator[None]:
    """Fail if the block calls a ready-made version of what the exercise asks for.

    What the called code raises by itself, or what the test cannot work with, is told in a sentence
    (see `dlcourse.check.calls`) and can still be caught as what it was.

    Every call of a Python function is checked, so it does not matter through which name, base class
    or detour the finished function is reached; nor on which thread, if that starts in the block.

    Parameters
    ----------
    allowed : tuple of str
        Modules of `FINISHED` that this exercise may use.
    but_not : tuple of str
        Modules, classes or functions in these that it still may not use, for example
        ``"dlcourse.nn.containers.Concat"``.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import ReLU
    >>> with own_work():
    ...     y = ReLU()(np.ones(3))
    Traceback (most recent call last):
        ...
    dlcourse.check.failure.CheckFailed: This calls the finished code of \
dlcourse.nn.activation.ReLU.forward; the exercise is to write that part yourself.
    """
    caught: list[str] = []
    nobodys = _nobodys(allowed, but_not)
    before = sys.getprofile()
    over = False
    # The frames in between are those of this generator and of contextlib.
    calls = Calls(sys._getframe(2))

    def look(frame: FrameType, event: str, argument: object) -> None:
        if over:  # on a thread that has outlived the block
            sys.setprofile(None)
        elif event == "return":
            calls.look(frame, event, argument)
        elif event == "call":
            calls.look(frame, event, argument)
            code = frame.f_code
            if id(code) in nobodys:
                return
            if not code.co_flags & inspect.CO_OPTIMIZED or code.co_name == "__init_subclass__":
                return  # a module or class is being made, as by an import
            # What is called, or what the call is part of: dlcourse.nn.activation.ReLU.forward.
            part = code.co_qualname.partition(".<")[0]
            name = f"{frame.f_globals.get('__name__', '')}.{part}"
            if within(name, but_not) or (
                within(name, FINISHED) and not within(name, COMMON + allowed)
            ):
                caught.append(name)
            else:
                nobodys[id(code)] = code
        elif event == "c_call":
            module = getattr(argument, "__module__", None) or ""
            if module.startswith(("torch", "scipy")):
                caught.append(module)

    sys.setprofile(look)
    _look_at_threads(look, begin=True)
    try:
        yield
    except Exception as error:
        sys.setprofile(before)
        if not caught:  # a mistake inside the finished code is not the point
            told = calls.told(error)
            if told is error:
                raise
            raise told from error
    finally:
        sys.setprofile(before)
        _look_at_threads(look, begin=False)
        over = True
    if caught:
        raise finished(caught[0])


def _look_at_threads(look: Callable[..., None], begin: bool) -> None:
    """Begin, or end, to look at threads that start from now on.

    There is one profile for them in the process, and blocks on several threads may end in another
    order than they began.
    """
    with _lock:
        if not _looks:
            _looks.append(threading.getprofile())
        if begin:
            _looks.append(look)
        else:
            _looks.remove(look)
        threading.setprofile(_looks[-1])
        if len(_looks) == 1:
            _looks.clear()


@functools.cache
def _nobodys(allowed: tuple[str, ...], but_not: tuple[str, ...]) -> dict[int, CodeType]:
    """Return the code that was found to be nobody's finished work; by id, as its hash is slow."""
    return {}


def finished(name: str) -> CheckFailed:
    """Return the error for a call of the finished code, by its full name."""
    name = name.removesuffix(".__init__")
    return CheckFailed(
        f"This calls the finished code of {name}; the exercise is to write that part yourself."
    )


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Return whether a module, class or function is one of several, or lies in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)
