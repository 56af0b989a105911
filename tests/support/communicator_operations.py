"""What every kind of communicator has to do; called on each rank, whatever carries it."""

import numpy as np

from dlcourse.distributed import pieces, tree_sum


def values(rank, shape, dtype=np.float32):
    return np.random.default_rng(rank).standard_normal(shape).astype(dtype)


def check_allreduce(c):
    for shape in ((1,), (3, 5), (), (0,), (1000,)):
        for dtype in (np.float32, np.float64):
            x = values(c.rank, shape, dtype)
            expected = tree_sum([values(r, shape, dtype) for r in range(c.size)])
            c.allreduce(x)
            assert x.dtype == dtype
            np.testing.assert_array_equal(x, expected)


def check_pieces(c):
    for length in (0, 1, 3, 100):
        x = values(c.rank, (length,))
        total = tree_sum([values(r, (length,)) for r in range(c.size)])
        piece = c.reduce_scatter(x)
        np.testing.assert_array_equal(piece, total[pieces(length, c.size)[c.rank]])
        np.testing.assert_array_equal(x, values(c.rank, (length,)))
        np.testing.assert_array_equal(c.allgather(piece), total)


def check_allgather(c):
    joined = c.allgather(np.full((c.rank, 2), c.rank))
    np.testing.assert_array_equal(
        joined, np.repeat(np.arange(c.size), np.arange(c.size))[:, None].repeat(2, 1)
    )


def check_broadcast(c):
    for root in range(c.size):
        x = values(c.rank, (7,))
        c.broadcast(x, root)
        np.testing.assert_array_equal(x, values(root, (7,)))


def check_messages(c):
    if c.size == 1:
        return
    right, left = (c.rank + 1) % c.size, (c.rank - 1) % c.size
    big = np.full(200_000, c.rank, np.float32)  # more than any buffer on the way
    got = np.empty_like(big)
    c.sendrecv(big, right, got, left)
    assert (got == left).all()
    # Tags keep messages apart, whatever their order; within a tag they come in order.
    sent = [c.isend(np.array([10 * tag + i]), right, tag) for tag in (1, 2) for i in (0, 1)]
    for tag in (2, 1):
        for i in (0, 1):
            number = np.empty(1, int)
            assert c.recv(number, left, tag) == left
            assert number[0] == 10 * tag + i
    for handle in sent:
        handle.wait()
    # From whichever comes first.
    if c.rank:
        c.send(np.array([c.rank]), 0)
    else:
        numbers = np.empty((c.size - 1, 1), int)
        sources = [c.recv(number) for number in numbers]
        assert sources == numbers[:, 0].tolist()
        assert sorted(sources) == list(range(1, c.size))
    c.barrier()


ALL = [
    check_allreduce,
    check_pieces,
    check_allgather,
    check_broadcast,
    check_messages,
]
