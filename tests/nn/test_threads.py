import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dlcourse.blas import blas_threads
from dlcourse.workers import (
    MUCH_WORK,
    equal_pieces,
    image_pieces,
    own_threads,
    product,
    row_sum,
    run_each,
    run_pieces,
    threads_for,
)


def test_blas_is_held_to_one_thread_meanwhile():
    with threadpool_limits(3, user_api="blas"):
        assert blas_threads() == 3
        found = []
        run_each(lambda part: found.append((part, blas_threads())), [0, 1])
        assert sorted(found) == [(0, 1), (1, 1)]
        assert blas_threads() == 3


def test_a_single_part_stays_on_this_thread():
    found = []
    run_each(lambda _: found.append(threading.current_thread()), [0])
    assert found == [threading.current_thread()]


def test_parts_run_at_once():
    meeting = threading.Barrier(2, timeout=10)
    run_each(lambda _: meeting.wait(), [0, 1])


def test_errors_arrive_and_the_limit_is_lifted():
    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError):
            run_each(lambda part: 1 / part, [0, 1])
        assert blas_threads() == 2


def test_a_single_part_holds_blas_too():
    with threadpool_limits(3, user_api="blas"):
        found = []
        run_each(lambda _: found.append(blas_threads()), [0])
        assert found == [1]


@pytest.mark.parametrize("rows", [1, 700])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_product_is_that_of_matrices(rows, threads):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 200), dtype=np.float32)
    weight = rng.standard_normal((MUCH_WORK // 200 // 700 + 1, 200), dtype=np.float32)
    y = product(x, weight, threads)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x @ weight.T, rtol=1e-4, atol=1e-4)


def test_a_layer_may_use_as_many_threads_as_blas():
    x = np.ones((1, 3, 4, 4), np.float32)
    with threadpool_limits(2, user_api="blas"):
        assert threads_for(x) == 2
        assert run_each(lambda _: threads_for(x), [0, 1]) == [1, 1]


@pytest.mark.parametrize("threads", [1, 2, 5, 9])
def test_pieces_are_the_same_on_any_number_of_threads(threads):
    pieces = image_pieces(np.ones(50), 10 * MUCH_WORK)
    assert len(pieces) == 5
    assert [image for piece in pieces for image in range(50)[piece]] == list(range(50))
    assert run_pieces(lambda piece: piece, pieces, threads) == pieces


@pytest.mark.parametrize("rows", [1, 37])
def test_no_bit_of_a_product_or_a_sum_depends_on_the_threads(rows):
    x, weight = np.random.default_rng(0).random((2, 3000, 1024), dtype=np.float32)
    for compute in (lambda n: product(x[:rows], weight, n), lambda n: row_sum(x, n)):
        first = compute(1)
        for threads in (2, 3, 8):
            with threadpool_limits(threads, user_api="blas"):
                np.testing.assert_array_equal(compute(threads), first)


def test_a_share_of_the_work_is_not_shared_again():
    x = np.ones(3)
    with own_threads(3):
        assert run_each(lambda _: threads_for(x), [0, 1, 2]) == [1, 1, 1]
        assert run_each(lambda _: threads_for(x), [0]) == [3]
        assert threads_for(x) == 3


def test_nothing_is_cut_into_one_empty_piece():
    assert equal_pieces(0, 4) == [slice(0, 0)]
