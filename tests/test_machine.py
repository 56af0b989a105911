import types

import cupy_double
import numpy as np
import pytest

from dlcourse import machine
from dlcourse.machine import Machine, gemm_peak, measure, memory_bandwidth, stopwatch


def test_the_lower_limit_is_the_roof():
    limits = Machine(1, "float32", multiply_adds=40e9, bandwidth=10e9)
    assert limits.ridge == 4
    assert limits.roof(0.5) == 5e9
    assert limits.roof(4) == limits.roof(400) == 40e9


@pytest.mark.parametrize(("threads", "dtype"), [(1, np.float64), (2, np.float32)])
def test_limits_are_those_of_what_was_asked_for(threads, dtype):
    limits = measure(threads, dtype)
    assert (limits.threads, limits.dtype) == (threads, np.dtype(dtype).name)
    assert limits.multiply_adds > 0 and limits.bandwidth > 0


def test_peak_counts_the_products_of_a_matrix_product():
    clock = iter([0.0, 2.0, 10.0, 11.0, 20.0, 20.5] * 2)  # for each size three times, best 0.5 s
    times = types.SimpleNamespace(__name__="numpy", full=np.full, empty_like=np.empty_like)
    times.matmul = np.matmul
    times.cuda = FakeCuda(clock)
    assert gemm_peak(1, np.float32, times, repeats=3) == 1024**3 / 0.5


def test_bandwidth_counts_what_is_read_and_written():
    clock = iter([0.0, 2.0, 10.0, 10.5])
    times = types.SimpleNamespace(__name__="numpy", ones=np.ones, zeros_like=np.zeros_like)
    times.cuda = FakeCuda(clock)
    assert memory_bandwidth(1, 2**20, repeats=2, xp=times) == 2 * 2**20 / 0.5


class FakeCuda:
    """Events as CuPy has them, with a clock of milliseconds that stands still until waited for."""

    def __init__(self, clock):
        cuda = self

        class Event:
            def record(self):
                self.time = 1000 * next(clock)
                cuda.waited = False

            def synchronize(self):
                cuda.waited = True

        self.Event = Event

    def get_elapsed_time(self, start, end):
        assert self.waited, "asked for a time that the GPU has not come to yet"
        return end.time - start.time


def test_a_gpu_is_timed_by_its_events():
    mark, between = stopwatch(types.SimpleNamespace(cuda=FakeCuda(iter([1.0, 1.25]))))
    assert between(mark(), mark()) == 0.25


def test_limits_of_a_gpu_are_measured_with_its_arrays(monkeypatch):
    xp = cupy_double.install(monkeypatch)
    monkeypatch.setitem(machine._SIDES, "cupy", (64,))
    monkeypatch.setattr(machine, "MEMORY_BYTES", 2**16)
    limits = measure(dtype=np.float32, xp=xp)
    assert limits.multiply_adds > 0 and limits.bandwidth > 0
