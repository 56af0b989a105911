"""BLAS is held by count: it comes back when the last one lets go, and only then."""

import gc
import os
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dlcourse.blas import allowed_threads, blas_held, blas_threads
from dlcourse.nn import Module, ReLU
from dlcourse.workers import threads_for


@pytest.fixture(autouse=True)
def three_threads():
    with threadpool_limits(3, user_api="blas"):
        yield
        assert blas_threads() == 3


def test_blocks_may_be_nested():
    with blas_held():
        with blas_held():
            assert blas_threads() == 1
        assert blas_threads() == 1 and allowed_threads() == 3
    assert blas_threads() == 3


@pytest.mark.parametrize("first_out", [0, 1])
def test_the_last_one_out_sets_it_back_in_whatever_order_they_leave(first_out):
    inside = [threading.Event(), threading.Event()]
    leave = [threading.Event(), threading.Event()]

    def hold(i):
        with blas_held():
            inside[i].set()
            leave[i].wait(10)

    threads = [threading.Thread(target=hold, args=(i,)) for i in (0, 1)]
    for thread, event in zip(threads, inside, strict=True):
        thread.start()
        assert event.wait(10)
    for i in (first_out, 1 - first_out):
        assert blas_threads() == 1
        leave[i].set()
        threads[i].join()
    assert blas_threads() == 3


def test_many_threads_at_once():
    def work():
        for _ in range(200):
            with blas_held():
                found.append(blas_threads())

    found = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {1}


def test_errors_let_go():
    with pytest.raises(ZeroDivisionError), blas_held():
        raise ZeroDivisionError
    assert blas_threads() == 3


def test_a_block_that_never_ended_is_forgotten():
    lost = blas_held()
    lost.__enter__()
    assert blas_threads() == 1
    del lost
    gc.collect()
    assert blas_threads() == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_child_has_what_its_own_thread_holds():
    def in_child(expected):
        child = os.fork()
        if child == 0:
            os._exit(0 if blas_threads() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0

    inside, leave = threading.Event(), threading.Event()

    def hold():
        with blas_held():
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert inside.wait(10)
        in_child(3)
        with blas_held():
            in_child(1)
    finally:
        leave.set()
        thread.join()


class Asks(Module):
    def forward(self, x):
        self.seen = [(blas_threads(), threads_for(x))]
        return x

    def backward(self, dy):
        self.seen.append((blas_threads(), threads_for(dy)))
        return dy


def test_a_pass_of_any_module_holds_blas_and_leaves_our_threads():
    layer = Asks()
    layer.backward(layer(np.ones(3)))
    assert layer.seen == [(1, 3), (1, 3)]
    assert blas_threads() == 3


def test_a_pass_that_fails_lets_go():
    class Fails(Asks):
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fails()(np.ones(3))
    assert blas_threads() == 3
    assert ReLU()(np.ones(3)).sum() == 3


def test_a_number_that_somebody_else_sets_meanwhile_holds():
    theirs = threadpool_limits(2, user_api="blas")
    with blas_held():
        theirs.restore_original_limits()
    assert blas_threads() == 3
