"""A fixed number of damaged files for every reader; `make fuzz` tries more, for an hour."""

import re
import signal
import sys
import time

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="safetensors is not installed")
if not sys.platform.startswith("linux"):
    pytest.skip("memory is measured as Linux tells it", allow_module_level=True)

from dlcourse.files import FileError
from fuzz import __main__ as fuzz
from fuzz.readers import PICTURES, Reader
from fuzz.trainings import into

COUNT = 25


def test_every_reader_takes_damaged_files():
    readers = 11 + len(PICTURES)
    report = fuzz.watch(seed=14, cases=COUNT * readers)
    assert report["wrong"] == []
    assert set(report["cases"].values()) == {COUNT} and len(report["cases"]) == readers
    assert report["peak"] < 10**9


def test_a_case_is_decided_by_its_number(tmp_path, monkeypatch):
    every = fuzz.prepared(tmp_path, slow=False)
    now, later = time.time(), time.localtime(time.time() + 10**6)
    for case in range(0, 200, 7):
        first = fuzz.make(case, 1, every, tmp_path)[1].read_bytes()
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda: now + 10**6)
            clock.setattr(time, "localtime", lambda *_: later)
            again = fuzz.make(case, 1, every, tmp_path)[1].read_bytes()
        assert again == first


def bare(path):
    raise KeyError("data/0")


def nameless(path):
    raise FileError("this file is damaged")


def too_much(path):
    raise FileError(f"{path}: cannot be read") from MemoryError()


def half(model, path):
    model.state_dict()["0.bias"][...] = 7
    raise FileError(f"{path}: has no 0.weight")


def other_values(path):
    return np.ones(2)


def fine(path):
    raise FileError(f"{path}: cannot be read")


def slow(path):
    while True:
        pass


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (bare, "bare exception: .*KeyError"),
        (nameless, "no file or more than a line"),
        (too_much, "asked for too much memory"),
        (into(half), "bare exception: .*HalfLoadedError"),
        (other_values, "other values in silence"),
        (slow, "hang: more than"),
        (fine, None),
    ],
)
def test_what_is_found_to_be_wrong(read, wrong, tmp_path, monkeypatch, request):
    monkeypatch.setattr(fuzz, "SECONDS", 0.1)
    before = signal.signal(signal.SIGPROF, fuzz.hang)
    request.addfinalizer(lambda: signal.signal(signal.SIGPROF, before))
    reader = Reader("a.npz", None, read, good={"values": np.zeros(2)})
    (tmp_path / "a.npz").write_bytes(b"")
    found = fuzz.outcome(reader, tmp_path / "a.npz", covered=True)
    assert found is None if wrong is None else re.match(wrong, found, re.DOTALL)
