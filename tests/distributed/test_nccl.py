"""NCCL's communicator on doubles of CuPy and NCCL, and the doubles against the real functions."""

import importlib.util
import inspect
import re
import sys
import types
from pathlib import Path

import communicator_operations as operations
import cupy_double
import nccl_double
import numpy as np
import pytest
from cupy_double import device
from cupy_double.device import DataRace

from dlcourse.distributed import NCCL, CommunicationError, SingleProcess, Threads


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


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("check", operations.SUMS)
def test_sums(ranks, xp, check, dtype, size):
    ranks(size, lambda c: check(c, xp, [dtype]))


def test_messages(ranks, xp):
    ranks(3, lambda c: operations.check_exchange(c, xp))


@pytest.mark.parametrize("check", operations.ALL)
def test_arrays_of_the_host_go_by_the_host(ranks, check):
    ranks(2, check)


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
