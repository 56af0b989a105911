"""How many threads BLAS, which multiplies matrices for NumPy, may use.

A product that BLAS cuts among its threads may differ in the last bits from the same product on one
thread. So whatever has to give the same bits everywhere holds BLAS to one thread meanwhile, and
shares work among threads of our own (`dlcourse.workers`).

The number belongs to the process, not to a Python thread. So its holders are counted: the first
one in sets it to one, the last one out sets it back, in whatever order they leave.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

# What follows is read and changed under the lock. Those who hold are kept by weak references: a
# Ctrl-C between two lines may leave one behind, which is forgotten with its traceback.
_lock = threading.RLock()
_holds: weakref.WeakSet[_Hold] = weakref.WeakSet()
_allowed: dict[str, int] = {}  # to each library, by its file, before it was held
_most = 0  # the largest of them, read without the lock: layers ask for it again and again


@functools.cache
def blas() -> ThreadpoolController:
    """Return the BLAS libraries that are loaded, to query and to limit; the search takes a while.

    SciPy brings its own: code that imports it and needs it held calls ``blas.cache_clear()``.

    Examples
    --------
    >>> all(library.user_api == "blas" for library in blas().lib_controllers)
    True
    """
    return ThreadpoolController().select(user_api="blas")


def blas_threads() -> int:
    """Return how many threads BLAS may use now.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1, user_api="blas"):
    ...     blas_threads()
    1
    """
    return max((library.num_threads for library in blas().lib_controllers), default=1)


def allowed_threads() -> int:
    """Return how many threads BLAS may use when nothing holds it.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(3, user_api="blas"), blas_held():
    ...     allowed_threads()
    3
    """
    return _most or blas_threads()


@contextmanager
def blas_held() -> Iterator[None]:
    """Hold BLAS to one thread for a ``with`` block, or a function; it takes a few microseconds.

    Blocks may be nested, and run in several Python threads at once. When the last of them ends,
    BLAS goes back to what it was allowed.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(3, user_api="blas"):
    ...     with blas_held():
    ...         print(blas_threads())
    ...     print(blas_threads())
    1
    3
    """
    global _most
    hold = _Hold()
    try:
        with _lock:
            _holds.add(hold)
            for library in blas().lib_controllers:
                if library.filepath not in _allowed:
                    _allowed[library.filepath] = library.num_threads
            _most = max(_allowed.values(), default=1)
            for library in blas().lib_controllers:
                _set_threads(library, 1)
        yield
    finally:
        with _lock:
            _holds.discard(hold)
            _let_go()


class _Hold:
    """One holder, in this Python thread."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()


def _let_go() -> None:
    global _most
    if not _holds:
        for library in blas().lib_controllers:
            # Where somebody else has set a number meanwhile, theirs holds.
            if library.filepath in _allowed and library.num_threads == 1:
                _set_threads(library, _allowed[library.filepath])
        _allowed.clear()
        _most = 0


def _set_threads(library: Any, number: int) -> None:
    # From its version 3.8 on, threadpoolctl lets one Python thread at a time set the number and
    # does nothing for others. Here they are counted, and each of them may.
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


def _after_fork() -> None:
    """In a child process there is only the thread that forked, and what it holds."""
    for hold in [*_holds]:
        if hold.thread != threading.get_ident():
            _holds.discard(hold)
    _let_go()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork
    )
