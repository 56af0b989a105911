"""Threads of our own in place of those of BLAS, for work that is more than a matrix product.

A convolution also copies patches, which BLAS cannot do for it on several cores. So each thread
takes a part of the images, and BLAS is held to one thread meanwhile. Whoever has held BLAS to one
thread already, as `dlcourse.training.ParallelModel` does, gets one thread here as well.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

T = TypeVar("T")


def blas_threads() -> int:
    """Return how many threads BLAS may use now.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1, user_api="blas"):
    ...     blas_threads()
    1
    """
    return max((library.num_threads for library in _blas().lib_controllers), default=1)


def run_each(work: Callable[[T], None], parts: Sequence[T]) -> None:
    """Call `work` on each part, each on a thread of its own with BLAS held to that thread.

    Examples
    --------
    >>> import numpy as np
    >>> squares = np.arange(4)
    >>> run_each(lambda i: squares.__setitem__(i, i * i), [0, 1, 2, 3])
    >>> squares
    array([0, 1, 4, 9])
    """
    if len(parts) == 1:
        work(parts[0])
        return
    with _blas().limit(limits=1):
        for _ in _pool().map(work, parts):
            pass


@functools.cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="dlcourse")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
