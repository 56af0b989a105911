"""What this machine can do at most, as measured: multiply-adds and bytes per second.

A layer's time means little without it. The two limits make a roofline (Williams, Waterman and
Patterson 2009): work with `a` multiply-adds for each byte that it moves can run at
``min(multiply_adds, a * bandwidth)`` multiply-adds per second, and no faster.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

#: Larger than the last cache of most processors, so that bytes come from memory.
MEMORY_BYTES = 2**27

#: Sides of the square matrices that are multiplied, by library: large enough to keep it busy.
_SIDES = {"numpy": (512, 1024), "cupy": (4096, 8192)}


@dataclass(frozen=True)
class Machine:
    """The two limits of this machine, for a number of threads and a dtype."""

    threads: int
    dtype: str
    multiply_adds: float  #: per second, in a product of matrices
    bandwidth: float  #: bytes per second, read and written, in a copy of memory

    @property
    def ridge(self) -> float:
        """Multiply-adds per byte beyond which the first limit is the lower one."""
        return self.multiply_adds / self.bandwidth

    def roof(self, intensity: float) -> float:
        """Return the multiply-adds per second that work of a given intensity can reach.

        Parameters
        ----------
        intensity : float
            Multiply-adds per byte moved.

        Examples
        --------
        >>> Machine(1, "float32", 40e9, 10e9).roof(2), Machine(1, "float32", 40e9, 10e9).ridge
        (20000000000.0, 4.0)
        """
        return min(self.multiply_adds, intensity * self.bandwidth)


def measure(threads: int = 1, dtype: DTypeLike = np.float32, xp: ModuleType = np) -> Machine:
    """Measure this machine, in about a second.

    Parameters
    ----------
    threads : int
        How many threads may compute; ignored on a GPU.
    dtype : dtype
        Of what is multiplied.
    xp : module
        ``numpy``, or ``cupy`` to measure the GPU.

    Examples
    --------
    >>> machine = measure()
    >>> machine.multiply_adds > 0 and machine.bandwidth > 0
    True
    """
    peak, bandwidth = gemm_peak(threads, dtype, xp), memory_bandwidth(threads, xp=xp)
    return Machine(threads, np.dtype(dtype).name, peak, bandwidth)


def gemm_peak(
    threads: int = 1, dtype: DTypeLike = np.float32, xp: ModuleType = np, repeats: int = 10
) -> float:
    """Return the multiply-adds per second of the fastest product of square matrices.

    Counted in operations, as processors are advertised (FLOP/s), it is twice as many.

    Parameters
    ----------
    threads : int
        How many threads BLAS may use.
    dtype : dtype
        Of the matrices. NumPy hands float32 and float64 to BLAS; others it multiplies itself,
        and takes a hundred times as long or more.
    xp : module
        ``numpy`` or ``cupy``.
    repeats : int
        How often each size is timed. The best time counts, because this is a limit.
    """
    best = 0.0
    with threadpool_limits(threads, user_api="blas"):
        for side in _SIDES[xp.__name__]:
            a = xp.full((side, side), 0.5, dtype)
            out = xp.empty_like(a)
            seconds = _best(functools.partial(xp.matmul, a, a, out=out), repeats, xp)
            best = max(best, float(side**3) / seconds)
    return best


def memory_bandwidth(
    threads: int = 1, nbytes: int | None = None, repeats: int = 10, xp: ModuleType = np
) -> float:
    """Return the bytes per second that are read and written as memory is copied.

    Parameters
    ----------
    threads : int
        How many threads copy, each its own part.
    nbytes : int, optional
        How much is copied; `MEMORY_BYTES` when left out. A little stays in a cache, and shows how
        fast that is.
    repeats : int
        How often it is timed; the best time counts.
    xp : module
        ``numpy`` or ``cupy``.

    Examples
    --------
    >>> memory_bandwidth(nbytes=2**20) > 0
    True
    """
    source = xp.ones((nbytes or MEMORY_BYTES) // 8)
    target = xp.zeros_like(source)
    parts = np.linspace(0, len(source), threads + 1).astype(int)

    def copy(start: int, end: int) -> None:
        target[start:end] = source[start:end]

    with ThreadPoolExecutor(threads) as pool:

        def copy_all() -> None:
            if xp is np and threads > 1:
                list(pool.map(copy, parts[:-1], parts[1:]))
            else:
                copy(0, len(source))

        moved = 2 * float(source.nbytes)
        return moved / _best(copy_all, repeats, xp)


def stopwatch(xp: ModuleType) -> tuple[Callable[[], Any], Callable[[Any, Any], float]]:
    """Return two functions: one marks a moment, one gives the seconds between two marks.

    A GPU works on after a call has returned. So there a mark is an event that the GPU notes when
    it gets there, and the second function waits for it.

    Parameters
    ----------
    xp : module
        ``numpy`` or ``cupy``.

    Examples
    --------
    >>> mark, between = stopwatch(np)
    >>> between(mark(), mark()) >= 0
    True
    """
    if xp is np:
        return time.perf_counter, lambda start, end: end - start

    def mark() -> Any:
        event = xp.cuda.Event()
        event.record()
        return event

    def between(start: Any, end: Any) -> float:
        end.synchronize()
        milliseconds: float = xp.cuda.get_elapsed_time(start, end)
        return milliseconds / 1000

    return mark, between


def _best(work: Callable[[], object], repeats: int, xp: ModuleType) -> float:
    mark, between = stopwatch(xp)
    work()  # the first time, memory is allocated and caches are cold
    times = []
    for _ in range(repeats):
        start = mark()
        work()
        times.append(between(start, mark()))
    return max(min(times), 1e-9)  # a clock may stand still for so short a time
