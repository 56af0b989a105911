"""Rungs are timed where there is a compiler; what ships says what the page needs without one."""

import json

import pytest

from dlcourse.lessons.ladder import bench as module
from dlcourse.lessons.ladder.bench import RECORD, Bench, Layer
from dlcourse.lessons.ladder.building import compiler
from dlcourse.lessons.ladder.tiles import Core, bound

RECORDED = json.loads(RECORD.read_text())
SMALL = Layer(1, 4, 2, 16)


def test_without_a_compiler_the_record_is_read(monkeypatch):
    monkeypatch.setattr(module, "compiler", lambda: None)
    bench = Bench()
    assert not bench.live
    assert bench.machine["compiler"] and bench.machine["processor"]
    layer = Layer(25, 28, 16, 16)
    rungs = [bench.rate(layer, name) for name in ("loops", "reordered", "register")]
    rungs += [bench.rate(layer, "tile", P=p, Q=1) for p in (4, 14)]
    assert rungs == sorted(rungs)
    assert bench.peak(16) > rungs[-1]
    with pytest.raises(LookupError, match=r"has no '.* tile P=3 Q=1'; install a C compiler"):
        bench.rate(layer, "tile", P=3, Q=1)
    with pytest.raises(LookupError, match="has no 'tile P=3 Q=5'"):
        bench.listing("tile", P=3, Q=5)


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
def test_with_a_compiler_rungs_are_timed():
    bench = Bench()
    assert bench.live and bench.machine["multiply_adds"] > 0
    assert bench.rate(SMALL, "loops") > 0 and bench.peak(2) > 0
    assert list(bench.values) == ["1x4x4 2 to 16 loops", "peak SUMS=2"]
    assert bench.listing("register") == bench.listings["register"]


def test_the_record_keeps_to_what_tiles_can_reach():
    machine = RECORDED["machine"]
    core = Core(machine["registers"], machine["lanes"])
    peak = RECORDED["values"]["peak SUMS=16"]
    found = 0
    for p in (1, 2, 4, 7, 14):
        for q in (1, 2, 4):
            rate = RECORDED["values"][f"25x14x14 64 to 64 tile P={p} Q={q}"]
            at_best = bound(p, q, core)
            # While a core waits for a sum it looks ahead, to the next tile's: that saves a little.
            ahead = 1.15 if max(at_best.cycles, key=at_best.cycles.get) == "waiting" else 1.05
            assert rate < ahead * peak * at_best.share
            found += 1
    assert found == 15
