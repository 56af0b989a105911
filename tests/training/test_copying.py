"""Batches are copied to a GPU ahead of their use, on the double of CuPy, which tracks streams."""

import cupy_double
import numpy as np
import pytest
from cupy_double import device

from dlcourse.training.copying import ahead


@pytest.fixture
def xp(monkeypatch):
    return cupy_double.install(monkeypatch)


def pairs(sizes=(4, 4, 4, 4, 2)):
    rng = np.random.default_rng(0)
    return [(rng.random((n, 3), np.float32), rng.integers(9, size=n)) for n in sizes]


@pytest.mark.parametrize("sizes", [(), (3,), (4, 4, 4, 4, 2), (2, 4, 1, 5), (3, 0)])
def test_every_batch_arrives_in_turn(xp, sizes):
    batches = pairs(sizes)
    found = [(x.get(), t.get()) for x, t in ahead(batches, like=xp.empty(0))]
    assert len(found) == len(batches)
    for (x, t), (expected_x, expected_t) in zip(found, batches, strict=True):
        np.testing.assert_array_equal(x, expected_x)
        np.testing.assert_array_equal(t, expected_t)


def test_the_next_batch_is_sent_before_this_one_is_used(xp):
    asked = []
    source = (asked.append(i) or pair for i, pair in enumerate(pairs()))
    batches = ahead(source, like=xp.empty(0))
    next(batches)
    assert asked == [0, 1] and cupy_double.transfers.to_device == 4
    next(batches)
    assert asked == [0, 1, 2]


def test_copies_start_from_pinned_memory_in_a_stream_of_their_own(xp, monkeypatch):
    sent = []
    set_ = xp.ndarray.set

    def watch(self, arr, stream=None):
        sent.append((device.is_pinned(arr), stream))
        set_(self, arr, stream)

    monkeypatch.setattr(xp.ndarray, "set", watch)
    list(ahead(pairs(), like=xp.empty(0)))
    assert all(pinned for pinned, _ in sent)
    assert {stream for _, stream in sent}.isdisjoint({None, xp.cuda.Stream.null})


@pytest.mark.parametrize("event", ["receive", "release"])
def test_the_double_would_notice_a_forgotten_event(xp, monkeypatch, event):
    if event == "receive":  # nobody waits for the copy
        monkeypatch.setattr(xp.cuda.Stream, "wait_event", lambda self, event: None)
    else:  # the buffer is overwritten while it is in use
        monkeypatch.setattr("dlcourse.training.copying._Buffer.release", lambda self: None)
    with pytest.raises(device.DataRace):
        for x, _ in ahead(pairs(), like=xp.empty(0)):
            x * 2


def test_batches_on_the_gpu_and_on_a_processor_pass_unchanged(xp):
    there = [(xp.asarray(x), xp.asarray(t)) for x, t in pairs()]
    assert [a is b for a, b in zip(ahead(there, xp.empty(0)), there, strict=True)] == [True] * 5
    here = pairs()
    assert [a is b for a, b in zip(ahead(here, np.empty(0)), here, strict=True)] == [True] * 5
