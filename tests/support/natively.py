"""What tests of the kernels in C share."""

import numpy as np
import pytest

from dlcourse import native
from dlcourse.workers import own_threads

NEEDED = pytest.mark.skipif(not native.status()[0], reason=native.status()[1])

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])

#: How images may lie in memory.
ORDERS = ("channels last", "as written", "backwards", "gaps", "read-only", "broadcast")


def lying(x, order):
    """The same images (N, C, H, W) in memory in another way."""
    if order == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if order == "backwards":
        return np.ascontiguousarray(x[::-1, ::-1, :, ::-1])[::-1, ::-1, :, ::-1]
    if order == "gaps":
        return np.repeat(np.repeat(x, 2, axis=-1), 3, axis=0)[::3, ..., ::2]
    x = np.ascontiguousarray(x)
    if order == "read-only":
        x.flags.writeable = False
    return np.broadcast_to(x[:1], x.shape) if order == "broadcast" else x


def special(shape, dtype, seed=0):
    """Draw values among which are infinite ones, both zeros, and what is no number."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    for value in (np.nan, np.inf, -np.inf, 0.0, -0.0):
        x[rng.random(shape) < 0.05] = value
    return x


def on_each_number_of_threads(run):
    """Check that `run`, which returns arrays, gives the same bits on any number; return them."""
    with own_threads(1):
        expected = run()
    for threads in (2, 3, 7):
        with own_threads(threads):
            for found, one in zip(run(), expected, strict=True):
                assert found.tobytes() == one.tobytes(), f"on {threads} threads"
    return expected
