import threading

import communicator_operations as operations
import numpy as np
import pytest

from dlcourse.distributed import CommunicationError, SingleProcess, Threads, pieces, tree_sum


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("check", operations.ALL, ids=lambda check: check.__name__)
def test_threads(size, check):
    Threads.run(size, check)


@pytest.mark.parametrize("check", operations.ALL, ids=lambda check: check.__name__)
def test_single_process(check):
    check(SingleProcess())


@pytest.mark.parametrize("size", range(1, 20))
@pytest.mark.parametrize("length", [0, 1, 2, 7, 13, 100])
def test_pieces_are_disjoint_and_complete(length, size):
    parts = [list(range(length))[piece] for piece in pieces(length, size)]
    assert len(parts) == size
    assert [i for part in parts for i in part] == list(range(length))
    if size & (size - 1) == 0:
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert max(map(len, parts)) <= -(-length // size) + 1


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("length", [16, 17, 23, 100])
def test_sums_of_pieces_add_up_to_the_same_bits(length, size):
    numbers = list(np.random.default_rng(length).standard_normal(length).astype(np.float32))
    whole = tree_sum(numbers)
    assert tree_sum([tree_sum(numbers[piece]) for piece in pieces(length, size)]) == whole


def test_tree_sum_changes_nothing():
    parts = [np.ones(2), np.ones(2), np.ones(2)]
    np.testing.assert_array_equal(tree_sum(parts), [3, 3])
    np.testing.assert_array_equal(parts, np.ones((3, 2)))


def test_a_rank_that_fails_ends_all_with_its_error():
    def work(c):
        if c.rank == 2:
            raise KeyError("no such layer")
        c.barrier()

    with pytest.raises(CommunicationError, match="rank 2 failed: KeyError: 'no such layer'") as e:
        Threads.run(4, work)
    assert isinstance(e.value.__cause__, KeyError)


def test_two_that_send_first_are_told_so():
    def work(c):
        c.send(np.ones(1), 1 - c.rank)
        c.recv(np.empty(1), 1 - c.rank)

    with pytest.raises(
        CommunicationError,
        match="every rank waits.*: rank 0 in send to rank 1; rank 1 in send to rank 0",
    ):
        Threads.run(2, work)


def test_waiting_for_a_rank_that_has_ended():
    with pytest.raises(CommunicationError, match="the last rank waits.*rank 1 in barrier"):
        Threads.run(2, lambda c: c.barrier() if c.rank else None)


def test_a_rank_that_computes_for_ever_is_named():
    go_on = threading.Event()
    with pytest.raises(CommunicationError, match=r"waited 0\.2 s, while rank 1 went on computing"):
        Threads.run(2, lambda c: go_on.wait() if c.rank else c.barrier(), timeout=0.2)
    go_on.set()


def test_different_operations_are_told_so():
    def work(c):
        x = np.zeros(1, np.uint8)
        c.broadcast(x) if c.rank else c.allreduce(x)

    with pytest.raises(CommunicationError, match="the same operations in the same order"):
        Threads.run(2, work)


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros(2, np.float32)])
def test_an_array_of_another_shape_or_dtype_is_refused(wrong):
    with pytest.raises(CommunicationError, match=r"rank 1 in recv .* expects float.*found float64"):
        Threads.run(2, lambda c: c.recv(wrong, 0) if c.rank else c.send(np.zeros(2), 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.send(np.ones((3, 3)).T[:2], 1), "C-contiguous"),
        (lambda c: c.allreduce(3.0), "found float; make an array"),
        (lambda c: c.send(np.ones(1), 0), "another rank from 0 to 1, found 0"),
        (lambda c: c.recv(np.ones(1), 2), "found 2"),
        (lambda c: c.send(np.ones(1), 1, tag=-1), "tag must lie from 0"),
        (lambda c: c.broadcast(np.ones(1), root=2), "root must lie from 0 to 1"),
        (lambda c: c.allgather(np.array(1)), "without axes"),
    ],
)
def test_bad_input_is_refused(call, message):
    def work(c):
        with pytest.raises(ValueError, match=message):
            call(c)

    Threads.run(2, lambda c: work(c) if c.rank == 0 else None)


def test_a_single_rank_has_nobody_to_talk_to():
    with pytest.raises(ValueError, match="rank 0 of 1"):
        SingleProcess().send(np.ones(1), 0)
    with pytest.raises(ValueError, match="receive from nobody"):
        SingleProcess().recv(np.ones(1))
