"""The benchmarks run, and write what they say. What they measure is no matter here."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import results

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
    sides = {"dlcourse", "dlcourse, by hand", "PyTorch", "PyTorch, channels-last"}
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


def test_what_is_measured_too_quickly_is_not_recorded():
    done = bench("--quick", "--record")
    assert done.returncode == 2
    assert "--quick measures too little to be recorded" in done.stderr


def a_record(made, milliseconds, kernels="gcc 12"):
    spread = {"median": milliseconds / 1000, "low": 0.001, "high": 0.0123, "least": 0.001}
    sides = {"dlcourse": spread, "PyTorch": spread}
    return {
        "made": made,
        "versions": {"torch": "2.13.0", "kernels": kernels},
        "hardware": {"processor": "AMD EPYC", "cores": 2},
        "threads": 2,
        "contest": {
            "x": {"title": "A network", "batches": {s: {"seconds": sides} for s in ("9", "10")}}
        },
    }


def test_the_table_of_speed_is_that_of_the_newest_record(tmp_path):
    assert results.speed(tmp_path) == ""
    for name, record in {
        "b": a_record("2026-01-02T10:00:00", 5.0),
        "a": a_record("2026-11-02T10:00:00", 7.25),
        "c": {**a_record("2026-12-02T10:00:00", 9.0), "contest": {}},  # growth alone
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    table = results.speed(tmp_path)
    assert "PyTorch 2.13.0, both on 2 threads (AMD EPYC, 2 cores, 2026-11-02)" in table
    assert "| what | batch | dlcourse | PyTorch | NumPy alone |" in table
    assert "| A network | 10 | 7.2 (1.0 to 12.3) | 7.2 (1.0 to 12.3) |  |" in table
    assert "| A network | 9 | 7.2" in table
    plain = a_record("2026-12-03T10:00:00", 21.0, kernels="none")
    (tmp_path / "d-numpy.json").write_text(json.dumps(plain))
    table = results.speed(tmp_path)
    assert "| 10 | 7.2 (1.0 to 12.3) | 7.2 (1.0 to 12.3) | 21.0 (1.0 to 12.3) |" in table


def test_docstrings_comments_and_empty_lines_are_not_counted():
    source = """'''A module.'''

# Why.
def f(x):
    '''One,
    two.'''

    return (  # three lines
        x + 1
    )
"""
    assert results.code_lines(source) == 4


def test_a_table_is_written_between_its_comments():
    text = "a\n<!-- speed: made by tools/results.py -->\nold\n<!-- end of speed -->\nb\n"
    new = results.written(text, {"speed": "new"})
    assert new == text.replace("old", "new")
    assert results.written(new, {"speed": "new"}) == new
    empty = results.written(text, {"speed": ""})
    assert empty == text.replace("old\n", "")
    assert results.written(empty, {"speed": ""}) == empty
