"""Threads of our own in place of BLAS's, for work that is more than a matrix product.

A convolution also copies patches, which BLAS cannot do for it on several cores. So each thread
takes a part of the images, and BLAS is held to one thread meanwhile. Work is cut into pieces by its
size alone: the number of threads decides which thread does a piece, never what the piece is, and
so no bit of the result.

There are as many threads as BLAS was allowed before it was held, or as `own_threads` says. The
*calling* thread runs the layer: the user's own, or a worker of a training. It does the first share
of the pieces itself. The others belong to one pool of the process, and wait there between layers.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.blas import allowed_threads, blas_held

#: Multiply-adds that are worth several threads: about a quarter of a millisecond.
MUCH_WORK = 2**24

#: Values that are worth a thread where each is read once.
_MANY_VALUES = 2**19

#: Multiply-adds that take as long as to read a value.
_A_VALUE = MUCH_WORK // _MANY_VALUES

S = TypeVar("S")
T = TypeVar("T")

_local = threading.local()


def threads_for(x: Array) -> int:
    """Return how many threads a layer may share its work on `x` among; one on a GPU.

    Examples
    --------
    >>> from threadpoolctl import threadpool_limits
    >>> with threadpool_limits(3, user_api="blas"):
    ...     threads_for(np.ones(3))
    3
    """
    if array_module(x) is not np:
        return 1
    return getattr(_local, "threads", None) or allowed_threads()


@contextmanager
def own_threads(number: int) -> Iterator[None]:
    """Let the layers that run in this Python thread share their work among this many threads.

    Examples
    --------
    >>> with own_threads(2):
    ...     threads_for(np.ones(3))
    2
    """
    before = getattr(_local, "threads", None)
    try:
        _local.threads = number
        yield
    finally:
        _local.threads = before


def alone() -> None:
    """Let layers in this Python thread have no other from now on: its work is a share already."""
    _local.threads = 1


def run_each(work: Callable[[S], T], shares: Sequence[S]) -> list[T]:
    """Call `work` on each share, each on a thread of its own with BLAS held to that thread.

    BLAS's threads go on spinning for a while after a product, and would take a core from ours. So
    a single share is run this way too; its work may be shared once more. The calling thread does
    the first.

    Examples
    --------
    >>> run_each(lambda i: i * i, [0, 1, 2, 3])
    [0, 1, 4, 9]
    """
    with blas_held():
        if len(shares) == 1:
            return [work(shares[0])]
        others = [_pool().submit(work, share) for share in shares[1:]]
        try:
            with own_threads(1):
                first = work(shares[0])
        finally:
            wait(others)
        return [first, *(other.result() for other in others)]


def run_pieces(work: Callable[[S], T], pieces: Sequence[S], threads: int) -> list[T]:
    """Call `work` on each piece; the share of a thread is a run of them.

    What the pieces are does not depend on the threads, and so neither does a sum over them.

    Examples
    --------
    >>> run_pieces(lambda i: i * i, [0, 1, 2, 3], threads=3)
    [0, 1, 4, 9]
    """

    def run(share: slice) -> list[T]:
        return [work(piece) for piece in pieces[share]]

    shares = equal_pieces(len(pieces), threads)
    return [result for results in run_each(run, shares) for result in results]


def sum_pieces(work: Callable[[S], Array], pieces: Sequence[S], threads: int) -> Array:
    """Return the sum of the new arrays that `work` makes from each piece, added up in order.

    Examples
    --------
    >>> sum_pieces(lambda i: np.full(2, i), [1, 2, 3], threads=2)
    array([6, 6])
    """
    total, *others = run_pieces(work, pieces, threads)
    for other in others:
        total += other
    return total


def image_pieces(x: Array, multiply_adds: int) -> list[slice]:
    """Cut a batch into pieces that are each worth a thread; 16 at most, and one on a GPU.

    Parameters
    ----------
    x : array of shape (N, ...)
        A row for each image.
    multiply_adds : int
        The work on all of them.

    Examples
    --------
    >>> x = np.ones(100)
    >>> len(image_pieces(x, 2**28)), len(image_pieces(x, 1000)), len(image_pieces(x, 2**40))
    (8, 1, 16)
    """
    return _pieces(x, multiply_adds // (2 * MUCH_WORK))


def row_pieces(x: Array, multiply_adds: int) -> list[slice]:
    """Cut the rows of one image or matrix likewise; into 2, 4, 8 or 16, as threads are mostly even.

    Examples
    --------
    >>> x = np.ones(100)
    >>> len(row_pieces(x, 2**27)), len(row_pieces(x, 1000)), len(row_pieces(x, 2**40))
    (8, 1, 16)
    """
    much = max(1, multiply_adds // MUCH_WORK)
    return _pieces(x, 1 << (much.bit_length() - 1))


def value_pieces(x: Array) -> list[slice]:
    """Cut the rows of a matrix whose values are read once, as in a sum, likewise.

    Examples
    --------
    >>> len(value_pieces(np.ones((100, 2**15)))), len(value_pieces(np.ones((100, 10))))
    (6, 1)
    """
    return _pieces(x, x.size // _MANY_VALUES)


def _pieces(x: Array, number: int) -> list[slice]:
    return equal_pieces(len(x), min(16, number) if array_module(x) is np else 1)


def equal_pieces(length: int, number: int) -> list[slice]:
    """Cut a range into this many pieces, or into single values if it has fewer.

    Examples
    --------
    >>> equal_pieces(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    number = max(1, min(number, length))
    edges = [length * i // number for i in range(number + 1)]
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
        How many may share it.

    Examples
    --------
    >>> import numpy as np
    >>> product(np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), threads=2)
    array([[3., 7.]])
    """
    xp = array_module(x)
    # Few rows are done before the weights have come from memory.
    pieces = row_pieces(weight, max(x.size * len(weight), weight.size * _A_VALUE))
    if len(pieces) == 1:
        with blas_held():
            return x @ weight.T
    y = xp.empty((len(x), len(weight)), np.result_type(x.dtype, weight.dtype))
    # With a single row, np.matmul keeps the interpreter's lock and np.dot does not; with several,
    # np.dot has no way to write a part of an array.
    into = xp.dot if len(x) == 1 else xp.matmul

    def multiply(rows: slice) -> None:
        into(x, weight[rows].T, out=y[:, rows])

    run_pieces(multiply, pieces, threads)
    return y


def row_sum(rows: Array, threads: int) -> Array:
    """Return the sum (K,) of the rows of a matrix (N, K), shared among threads if it is large.

    A product with ones, because BLAS is faster than a sum over the first axis, and more exact.

    Examples
    --------
    >>> row_sum(np.array([[1.0, 2.0], [3.0, 4.0]]), threads=1)
    array([4., 6.])
    """
    ones = array_module(rows).ones(len(rows), rows.dtype)
    return sum_pieces(lambda piece: ones[piece] @ rows[piece], value_pieces(rows), threads)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="dlcourse", initializer=alone)


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
