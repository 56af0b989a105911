"""What every kind of communicator has to do; called on each rank, whatever carries it.

Each takes the communicator, the module of the arrays, and the dtypes of sums.
"""

import numpy as np

from dlcourse.backend import to_numpy
from dlcourse.distributed import pieces, tree_sum

FLOATS = (np.float32, np.float64)


def values(rank, shape, dtype=np.float32):
    return np.random.default_rng(rank).standard_normal(shape).astype(dtype)


def assert_equal(array, expected):
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(to_numpy(array), expected)


def check_allreduce(c, xp=np, dtypes=FLOATS):
    for shape in ((1,), (3, 5), (), (0,), (1000,)):
        for dtype in dtypes:
            x = xp.asarray(values(c.rank, shape, dtype))
            c.allreduce(x)
            assert_equal(x, tree_sum([values(r, shape, dtype) for r in range(c.size)]))


def check_pieces(c, xp=np, dtypes=FLOATS):
    for length in (0, 1, 3, 100):
        for dtype in dtypes:
            x = xp.asarray(values(c.rank, (length,), dtype))
            total = tree_sum([values(r, (length,), dtype) for r in range(c.size)])
            piece = c.reduce_scatter(x)
            assert_equal(piece, total[pieces(length, c.size)[c.rank]])
            assert_equal(x, values(c.rank, (length,), dtype))
            assert_equal(c.allgather(piece), total)


def check_allgather(c, xp=np):
    joined = c.allgather(xp.asarray(np.full((c.rank, 2), c.rank)))
    assert_equal(joined, np.repeat(np.arange(c.size), np.arange(c.size))[:, None].repeat(2, 1))


def check_broadcast(c, xp=np, dtypes=FLOATS):
    for root in range(c.size):
        for dtype in dtypes:
            x = xp.asarray(values(c.rank, (7,), dtype))
            c.broadcast(x, root)
            assert_equal(x, values(root, (7,), dtype))


def check_exchange(c, xp=np):
    if c.size == 1:
        return
    right, left = (c.rank + 1) % c.size, (c.rank - 1) % c.size
    big = np.full(200_000, c.rank, np.float32)  # more than any buffer on the way
    got = xp.asarray(np.empty_like(big))
    c.sendrecv(xp.asarray(big), right, got, left)
    assert (to_numpy(got) == left).all()
    if c.rank == 0:
        c.send(xp.asarray(big + 5), 1)
    elif c.rank == 1:
        assert c.recv(got, 0) == 0
        assert (to_numpy(got) == 5).all()


def check_messages(c, xp=np):
    if c.size == 1:
        return
    right, left = (c.rank + 1) % c.size, (c.rank - 1) % c.size
    # Tags keep messages apart, whatever their order; within a tag they come in order.
    sent = [c.isend(xp.asarray([10 * tag + i]), right, tag) for tag in (1, 2) for i in (0, 1)]
    for tag in (2, 1):
        for i in (0, 1):
            number = xp.empty(1, int)
            assert c.recv(number, left, tag) == left
            assert number[0] == 10 * tag + i
    for handle in sent:
        handle.wait()
    # From whichever comes first.
    if c.rank:
        c.send(xp.asarray([c.rank]), 0)
    else:
        numbers = xp.empty((c.size - 1, 1), int)
        sources = [c.recv(number) for number in numbers]
        assert sources == to_numpy(numbers)[:, 0].tolist()
        assert sorted(sources) == list(range(1, c.size))
    c.barrier()
    assert c.cores >= 1


SUMS = [check_allreduce, check_pieces, check_broadcast]
ALL = [*SUMS, check_allgather, check_exchange, check_messages]
