import threading

import pytest
from threadpoolctl import threadpool_limits

from dlcourse.nn.threads import blas_threads, run_each


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
