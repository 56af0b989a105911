"""Threads of our own in place of those of BLAS, for work that is more than a matrix product.

A convolution also copies patches, which BLAS cannot do for it on several cores. So each thread
takes a part of the images, and BLAS is held to one thread meanwhile. Whoever has held BLAS to one
thread already, as `dlcourse.training.ParallelModel` does, gets one thread here as well.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from dlcourse.backend import Array, array_module

#: Multiply-adds that are worth several threads: about a quarter of a millisecond.
MUCH_WORK = 2**24

S = TypeVar("S")
T = TypeVar("T")


@functools.cache
def blas() -> ThreadpoolController:
    """Return the BLAS that NumPy has loaded, to ask and to limit; the search takes a while.

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


def threads_for(x: Array) -> int:
    """Return how many threads a layer may share its work on `x` among; one on a GPU.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(1, user_api="blas"):
    ...     threads_for(np.ones(3))
    1
    """
    return blas_threads() if array_module(x) is np else 1


def run_each(work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
    """Call `work` on each part, each on a thread of its own with BLAS held to that thread.

    Threads of BLAS go on spinning for a while after a product, and would take a core from ours.
    So a single part is run in this way too. The first part is for the calling thread.

    Examples
    --------
    >>> run_each(lambda i: i * i, [0, 1, 2, 3])
    [0, 1, 4, 9]
    """
    with blas().limit(limits=1):
        others = [_pool().submit(work, part) for part in parts[1:]]
        try:
            first = work(parts[0])
        finally:
            wait(others)
        return [first, *(other.result() for other in others)]


def run_pieces(work: Callable[[S], T], pieces: Sequence[S], threads: int) -> list[T]:
    """Call `work` on each piece, so many threads taking a row of them each.

    What the pieces are does not depend on the threads, and so neither does a sum over them.

    Examples
    --------
    >>> run_pieces(lambda i: i * i, [0, 1, 2, 3], threads=3)
    [0, 1, 4, 9]
    """
    if threads == 1:
        return [work(piece) for piece in pieces]

    def share(cut: slice) -> list[T]:
        return [work(piece) for piece in pieces[cut]]

    return [result for results in run_each(share, cuts(len(pieces), threads)) for result in results]


def image_pieces(images: int, multiply_adds: int) -> list[slice]:
    """Cut a batch into pieces that are each worth a thread; 16 at most.

    Parameters
    ----------
    images : int
        How many there are.
    multiply_adds : int
        The work on all of them.

    Examples
    --------
    >>> len(image_pieces(100, 2**28)), len(image_pieces(100, 1000)), len(image_pieces(100, 2**40))
    (8, 1, 16)
    """
    return cuts(images, min(16, max(1, multiply_adds // (2 * MUCH_WORK))))


def cuts(length: int, parts: int) -> list[slice]:
    """Cut a range into as many parts, or into single values if it has fewer.

    Examples
    --------
    >>> cuts(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    parts = max(1, min(parts, length))  # of nothing one, which is empty
    edges = [length * i // parts for i in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]


def product(x: Array, weight: Array, threads: int) -> Array:
    """Return ``x @ weight.T``, the rows of `weight` shared among threads if it is much work.

    Parameters
    ----------
    x : array of shape (N, K)
        A row for each image or window.
    weight : array of shape (O, K)
        A row for each output.
    threads : int
        How many may share it; with 1 it is left to BLAS.

    Examples
    --------
    >>> import numpy as np
    >>> product(np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), threads=2)
    array([[3., 7.]])
    """
    if threads == 1:
        return x @ weight.T
    y = np.empty((len(x), len(weight)), x.dtype)

    def multiply(rows: slice) -> None:
        np.matmul(x, weight[rows].T, out=y[:, rows])

    run_each(multiply, cuts(len(weight), threads if x.size * len(weight) > MUCH_WORK else 1))
    return y


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="dlcourse")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
