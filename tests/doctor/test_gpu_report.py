"""The report on a GPU, on the double of CuPy: its logic runs, its figures are a processor's."""

import json

import cupy_double
import pytest

from dlcourse import cuda
from dlcourse.data import load_mnist
from dlcourse.doctor import Settings, agreement, gpu, gpu_report

SMALL = Settings(
    images=100,
    epochs=1,
    accuracy=0.0,
    batches=(("DeepConvNet", 28, 2),),
    repeats=1,
)


@pytest.fixture
def xp(monkeypatch):
    # Large sizes, kernels on a processor, and networks that test_agreement.py runs take minutes.
    monkeypatch.setattr("dlcourse.machine._SIDES", {"numpy": (64,), "cupy": (64,)})
    few = ("BasicBlock", "DeepConvNet")
    monkeypatch.setattr(agreement, "MODELS", {name: agreement.MODELS[name] for name in few})
    train, test = load_mnist()
    some = train.subset(slice(300)), test.subset(slice(100))
    monkeypatch.setattr(gpu, "load_mnist", lambda: some)
    with cuda.plain():
        yield cupy_double.install(monkeypatch)


def test_a_report(xp):
    lines = []
    report = gpu_report(SMALL, lines.append)
    assert report["ok"] and report["training"]["ok"]
    assert json.loads(json.dumps(report)) == report
    assert {row["name"] for row in report["agreement"]} >= {"Conv2d", "Adam", "BasicBlock"}
    assert all(row["ok"] for row in report["agreement"])
    assert [row["name"] for row in report["kernels"]] == ["im2col", "relu", "batch_norm", "adam"]
    for row in report["speed"]:
        assert row["training_images_per_second"] > 0 and row["memory_bytes"] > 0
    assert report["hardware"]["gpu"] == "a double on the processor"
    assert report["versions"]["cuda"] == "12.9"
    assert any("test accuracy" in line for line in lines)


def test_what_differs_is_found_and_named(xp, monkeypatch):
    wrong = xp.tanh
    monkeypatch.setattr(xp, "tanh", lambda x, out=None: wrong(x * 1.001, out=out))
    found = {a.name: a for a in agreement.agreements()}
    assert not found["Tanh"].ok and found["Tanh"].worst.startswith(("output", "gradient"))
    assert found["ReLU"].ok


def test_what_fails_does_not_end_the_report(xp, monkeypatch):
    monkeypatch.delattr(xp, "tanh")
    found = {a.name: a for a in agreement.agreements()}
    assert not found["Tanh"].ok and "tanh" in found["Tanh"].worst
    assert found["SGD"].ok


@pytest.mark.parametrize("accuracy, status", [(0.0, 0), (1.1, 1)])
def test_the_command_writes_the_report(xp, run, monkeypatch, tmp_path, accuracy, status):
    monkeypatch.setattr(gpu, "agreements", lambda: iter(()))
    settings = Settings(images=100, epochs=1, accuracy=accuracy, batches=(), repeats=1)
    monkeypatch.setattr(
        "dlcourse.cli.installation.gpu_report", lambda say: gpu_report(settings, say)
    )
    path = tmp_path / "report.json"
    code, out, _ = run("doctor", "--gpu", "-o", path)
    assert code == status and str(path) in out
    assert json.loads(path.read_text())["ok"] == (status == 0)


def test_without_a_gpu_the_command_says_so(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run("doctor", "--gpu")
    assert code == 1 and "needs a GPU: a GPU needs CuPy, which is not installed" in err
    assert not list(tmp_path.iterdir())
