"""NCCL's communicator on doubles of CuPy and NCCL, and the doubles against the real functions."""

import importlib.util
import inspect
import re
import sys
import types
from pathlib import Path

import cupy_double
import nccl_double
import numpy as np
import pytest
from cupy_double import device
from cupy_double.device import DataRace

from dlcourse.distributed import NCCL, CommunicationError, SingleProcess, Threads, pieces, tree_sum


@pytest.fixture
def xp(monkeypatch):
    double = cupy_double.install(monkeypatch)
    monkeypatch.setitem(sys.modules, "cupy.cuda.nccl", nccl_double)
    return double


@pytest.fixture
def ranks(xp, monkeypatch):
    """Run work on ranks with a device each. The double of CuPy watches the streams of one."""
    for name in ("written", "used", "read_by_host"):
        monkeypatch.setattr(device, name, lambda *_: None)

    def run(size, work):
        def start(host):
            nccl_double.meet_by(host)
            return work(NCCL(host))

        return Threads.run(size, start)

    return run


def values(rank, length=7, dtype=np.float32):
    return np.random.default_rng(rank).standard_normal(length).astype(dtype)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_collective_operations(ranks, xp, size, dtype):
    def work(c):
        total = tree_sum([values(r, 7, dtype) for r in range(size)])
        x = xp.asarray(values(c.rank, 7, dtype))
        piece = c.reduce_scatter(x)
        np.testing.assert_array_equal(piece.get(), total[pieces(7, size)[c.rank]])
        np.testing.assert_array_equal(c.allgather(piece).get(), total)
        np.testing.assert_array_equal(x.get(), values(c.rank, 7, dtype))
        c.allreduce(x)
        np.testing.assert_array_equal(x.get(), total)
        for root in range(size):
            y = xp.asarray(values(c.rank, 5, dtype))
            c.broadcast(y, root)
            np.testing.assert_array_equal(y.get(), values(root, 5, dtype))
        c.barrier()

    ranks(size, work)


def test_messages(ranks, xp):
    def work(c):
        right, left = (c.rank + 1) % 3, (c.rank - 1) % 3
        got = xp.empty(7, np.float32)
        c.sendrecv(xp.asarray(values(c.rank)), right, got, left)
        np.testing.assert_array_equal(got.get(), values(left))
        if c.rank == 0:
            c.send(xp.asarray(values(5)), 1)
        elif c.rank == 1:
            assert c.recv(got, 0) == 0
            np.testing.assert_array_equal(got.get(), values(5))

    ranks(3, work)


def test_arrays_of_the_host_go_by_the_host(ranks):
    def work(c):
        x = np.full(2, c.rank)
        c.broadcast(x, 1)
        c.allreduce(x)
        assert x.tolist() == [2, 2]
        assert c.reduce_scatter(x).tolist() == [4]
        assert c.allgather(x).tolist() == [2, 2, 2, 2]
        y = np.empty(1)
        c.sendrecv(np.array([float(c.rank)]), 1 - c.rank, y, 1 - c.rank)
        assert y[0] == 1 - c.rank
        c.send(y, 1, tag=3) if c.rank == 0 else c.recv(y, tag=3)
        assert c.cores >= 1

    ranks(2, work)


def test_streams_wait_for_each_other(xp, monkeypatch):
    """One rank, whose streams the double watches."""
    nccl_double.meet_by(SingleProcess())
    c = NCCL(SingleProcess())
    x = xp.zeros(4, np.float32)
    x += 1  # on the current stream; NCCL's has to wait for it
    with monkeypatch.context() as patch:
        patch.setattr("dlcourse.distributed.nccl._Queued.wait", lambda _: None)
        c.allreduce(x)
        with pytest.raises(DataRace):
            x + 1
    c.allreduce(x)
    x += 1
    y = c.allgather(x)
    assert (y + c.reduce_scatter(x)).get().tolist() == [4, 4, 4, 4]
    c.broadcast(x)
    x += 1
    assert x.get().tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, x: c.recv(x), "name the rank"),
        (lambda c, x: c.send(x, 1, tag=1), "no tags, found tag=1"),
        (lambda c, x: c.send(x, 2), "from 0 to 1, found 2"),
        (lambda c, x: c.broadcast(x, 2), "root must lie from 0 to 1"),
        (lambda c, x: c.allreduce(x > 0), "no type for bool"),
    ],
)
def test_bad_input_is_refused(ranks, xp, call, message):
    def work(c):
        if c.rank == 0:
            with pytest.raises(ValueError, match=message):
                call(c, xp.zeros(2, np.float32))

    ranks(2, work)


def test_without_the_library_it_says_what_to_install(xp, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy.cuda.nccl", types.SimpleNamespace(available=False))
    with pytest.raises(CommunicationError, match="pip install nvidia-nccl-cu12"):
        NCCL(SingleProcess())


@pytest.mark.skipif(
    importlib.util.find_spec("cupy_backends") is None,
    reason="needs cupy to compare with: pip install -e '.[gpu]'",
)
def test_the_double_has_the_functions_of_cupy():
    # Without NCCL the module has no functions, but their signatures stand in the binary.
    folder = Path(importlib.util.find_spec("cupy_backends").submodule_search_locations[0])
    (binary,) = (folder / "cuda" / "libs").glob("nccl.*.so")
    text = binary.read_bytes().decode("latin-1")
    methods = inspect.getmembers(nccl_double.NcclCommunicator, inspect.isfunction)
    checked = 0
    for name, method in methods:
        if name.startswith("_"):
            continue
        (found,) = re.findall(rf"NcclCommunicator\.{name}\((.*?)\)", text)
        real = [part.split()[-1].split("=")[0] for part in found.split(",")]
        assert list(inspect.signature(method).parameters) == real
        checked += 1
    assert checked == 4
    for name in ("groupStart", "groupEnd", "get_unique_id", "NCCL_SUM", "NCCL_FLOAT32"):
        assert name in text
