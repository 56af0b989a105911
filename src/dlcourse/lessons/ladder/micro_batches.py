"""Rung 8: a few images at a time, so that their patches stay in the cache, on every core."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dlcourse.blas import blas_held
from dlcourse.lessons.ladder.arguments import check
from dlcourse.lessons.ladder.channels_last import conv_channels_last

#: Bytes of patches made at a time: what the second-level cache of a core holds.
CACHE_BYTES = 2**20


def conv_micro_batches(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
    threads: int | None = None,
) -> np.ndarray:
    """Convolve micro-batches by `conv_channels_last`, on several threads.

    NumPy lets other threads run while it copies and multiplies. BLAS is held to one thread, or
    its threads and ours would fight for the same cores.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images; best in memory as (N, H, W, C), or they are copied.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride, padding : int
        Steps between windows, and the border of zeros.
    threads : int, optional
        One per core when left out.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O).

    Examples
    --------
    >>> conv_micro_batches(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    oh, ow = check(x, weight, bias, stride, padding)
    y = np.empty((len(x), oh, ow, len(weight)), x.dtype).transpose(0, 3, 1, 2)
    size = max(1, CACHE_BYTES // (oh * ow * weight[0].nbytes))

    def work(start: int) -> None:
        part = slice(start, start + size)
        y[part] = conv_channels_last(x[part], weight, bias, stride, padding)

    with blas_held(), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        # Going through the results raises any error of a thread.
        for _ in pool.map(work, range(0, len(x), size)):
            pass
    return y
