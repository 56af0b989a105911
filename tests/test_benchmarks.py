"""The benchmarks run, and write what they say. What they measure is no matter here."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def bench(*arguments):
    command = [sys.executable, FOLDER / "bench.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def turns(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import turns

    return turns


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="torch is not installed; make parity installs it",
)
def test_a_quick_run_writes_record_and_charts(tmp_path):
    names = ["deep-convnet-training", "deep-convnet-inference", "growth-batch"]
    done = bench(*names, "--quick", "--threads", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "record.json").read_text())
    assert {"numpy", "torch", "blas", "dlcourse"} <= record["versions"].keys()
    assert {"processor", "cores"} <= record["hardware"].keys()
    result = record["contest"]["deep-convnet-training"]["batches"]["1"]
    sides = {"dlcourse", "PyTorch", "PyTorch, channels-last"}
    assert result["seconds"].keys() == result["megabytes"].keys() == sides
    assert result["times"].keys() == sides - {"dlcourse"}
    for side in sides:
        assert result["seconds"][side]["median"] > 0
        memory = result["megabytes"][side]
        assert memory["all"] > memory["above the libraries"] > 0
    assert list(record["growth"]["growth-batch"]["seconds"]) == ["1", "5"]
    for chart in ("contest", "growth"):
        assert (tmp_path / f"{chart}.png").stat().st_size > 10_000
        assert "DeepConvNet, training step" in (tmp_path / f"{chart}.txt").read_text()
    assert "DeepConvNet, inference, batch 1, 1 rounds" in done.stdout
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_unknown_name_says_which_there_are():
    pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
    done = bench("resnet-9000")
    assert done.returncode == 2
    assert "unknown: resnet-9000; choose from deep-convnet-training, " in done.stderr


def test_everybody_is_timed_once_a_round_in_turn(turns, monkeypatch):
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    called = []
    runs = {name: lambda name=name: called.append(name) for name in "ab"}
    seconds = turns.in_turn(runs, budget=1e-9)
    assert called == ["a", "b"] * 4  # to warm up, and the least of rounds
    assert [len(values) for values in seconds.values()] == [3, 3]


def test_the_ratio_is_that_of_each_round(turns):
    # The machine became ten times as slow in the second round.
    found = turns.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0])
    assert found["median"] == found["low"] == found["high"] == 2.0
    assert turns.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == dict(median=3, low=2, high=4, least=1)
