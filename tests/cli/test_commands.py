import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import typer
from PIL import Image

from dlcourse import cli, zoo
from dlcourse.data import load_mnist
from dlcourse.data.scenes import load_scenes
from dlcourse.nn.weights import load_arrays
from dlcourse.training import ParallelModel
from dlcourse.zoo.recipe import DATASETS


def digit(path, label=7):
    _, test = load_mnist()
    image = test.images[test.labels == label][0, 0]
    Image.fromarray((255 - 255 * image).astype(np.uint8)).resize((200, 200)).save(path)
    return path


@pytest.mark.parametrize("command", typer.main.get_command(cli.app).commands)
def test_every_command_has_help(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0 and "Usage:" in out
    if command != "doctor":
        assert f"dlcourse {command}" in out  # an example


def test_version(run):
    assert run("--version")[1].startswith("dlcourse ")


def test_train_writes_weights_and_a_record_and_evaluate_reads_them(run, tiny, tmp_path):
    folder = tmp_path / "run"
    args = ["train", "deep-convnet", "--epochs", 2, "--validation", 50, "-o", folder]
    code, out, _ = run(*args, "--seed", 3)
    assert code == 0
    assert "epoch   2" in out and "validation" in out and "test accuracy" in out
    record = json.loads((folder / "record.json").read_text())
    assert record["recipe"]["seed"] == 3
    assert record["command"].startswith("dlcourse train deep-convnet --epochs 2")
    assert len(record["training"]["epochs"]) == 2 and record["parameters"] == 123_552
    assert run("evaluate", folder)[1].startswith("test accuracy")
    assert run("evaluate", folder / "weights.npz")[0] == 0

    weights = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").unlink()
    assert run(*args, "--seed", 3)[0] == 0  # nothing left to train: only written again
    assert (folder / "weights.npz").read_bytes() == weights


def test_evaluate_takes_the_set_that_a_run_was_trained_on(run, tiny, tmp_path, monkeypatch):
    train, test = load_mnist()
    few = train.subset(slice(200)), test.subset(slice(70))
    monkeypatch.setitem(DATASETS, "fashion-mnist", lambda: few)
    args = ["train", "small-convnet", "--data", "fashion-mnist", "--images", 100, "--epochs", 1]
    assert run(*args, "-o", tmp_path)[0] == 0
    evaluated = run("evaluate", tmp_path)
    assert " errors in 70)" in evaluated[1]
    # Weights are those of the recipe beside them.
    assert run("evaluate", tmp_path / "weights.npz") == evaluated
    assert run("evaluate", zoo.FOLDER / "small-convnet-seed0.npz")[0] == 0


def test_a_fault_of_ours_says_so_and_how_to_see_more(run, monkeypatch):
    def broken(*_):
        raise KeyError("nothing")

    monkeypatch.setattr("dlcourse.cli.using.summary", broken)
    code, _, err = run("summary")
    assert code == 1 and "KeyError: 'nothing'" in err and "/issues" in err and err.count("\n") == 1
    monkeypatch.setenv("DLCOURSE_TRACEBACK", "1")
    monkeypatch.setattr("sys.argv", ["dlcourse", "summary"])
    monkeypatch.setattr("sys.stderr", sys.stderr)
    with pytest.raises(KeyError):
        cli.main()


def test_train_uses_the_optimizer_that_is_asked_for(run, tiny, tmp_path):
    args = ["train", "small-convnet", "--epochs", 1, "--lr", 0.05, "--optimizer", "momentum"]
    assert run(*args, "-o", tmp_path)[0] == 0
    with np.load(tmp_path / "checkpoint.npz") as checkpoint:
        assert any("momentum_buffer" in name for name in checkpoint.files)
    code, _, err = run(*args[:-2], "-o", tmp_path)
    assert code == 1 and "holds a run with optimizer 'momentum', expected 'adam'" in err
    assert "another output folder" in err


def test_training_that_was_killed_and_interrupted_resumes_to_the_same_weights(run, tmp_path):
    options = ["--epochs", "4", "--no-progress", "--batch-size", "20"]
    code = (
        # A shell starts what it runs in the background with this signal ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from dlcourse.zoo.recipe import DATASETS; load = DATASETS['mnist']\n"
        "DATASETS['mnist'] = lambda: tuple(d.subset(slice(1500)) for d in load())\n"
        "from dlcourse.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "train", "deep-convnet", *options, "-o"]
    interrupted, straight = tmp_path / "a", tmp_path / "b"
    kept = interrupted / "checkpoint.npz"
    for end, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        before = kept.stat().st_mtime_ns if kept.exists() else None
        with subprocess.Popen(
            [*command, interrupted], stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            while not kept.exists() or kept.stat().st_mtime_ns == before:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            os.killpg(process.pid, end)
            message = process.stderr.read()
        assert process.returncode == status
    assert "the same command goes on" in message and "Traceback" not in message
    assert not (interrupted / "weights.npz").exists()
    subprocess.run([*command, interrupted], check=True)
    subprocess.run([*command, straight], check=True)
    with np.load(interrupted / "weights.npz") as a, np.load(straight / "weights.npz") as b:
        for name in b.files:
            np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "resnet"], "small-convnet, stack-1x7"),
        (["train", "deep-convnet", "--epochs", "0"], "--epochs must be above 0, found 0"),
        (["train", "deep-convnet", "--schedule", "magic"], "--schedule must be one of constant"),
        (
            ["train", "deep-convnet", "--optimizer", "sgd"],
            "--optimizer must be one of adam, momentum, found",
        ),
        (["evaluate", "nothing"], "the zoo has no entry 'nothing'; it has deep-convnet-"),
        (["evaluate", "nothing.npz"], "there is no weights file nothing.npz"),
        (["evaluate", "deep-convet-seed0"], "it has deep-convnet-seed0, "),
        (["evaluate", "style/grid"], "style/grid holds pictures, and nothing measures them"),
        (["evaluate", "resnet-20-seed0"], "resnet-20-seed0 is a record alone, zoo.record("),
        (["predict", "x.png", "--weights", "scenes/nic"], "found scenes/nic, of kind NIC"),
        (
            ["predict", "x.png", "--weights", "rl/cliff-walking-sarsa"],
            "found rl/cliff-walking-sarsa, of kind dict",
        ),
        (["ensemble", "ensembles/deep-convnet"], "found ensembles/deep-convnet, of kind Ensemble"),
        (["summary", "scenes/nic"], "scenes/nic is a network of kind NIC"),
        (["summary", "style/coffee"], "style/coffee is no network"),
        (["train-entry", "style/grid", "--seed", "1"], "style/grid takes no --seed"),
        (["ensemble", "a", "a"], "each network has one vote, found a more than once"),
        (["evaluate", "half.npz"], "half.npz: expected an .npz file"),
        (["predict", "mine.pth"], "mine.pth: expected a picture"),
        (["evaluate", "mine.pth"], "mine.pth: expected an entry of the zoo, the folder of a"),
        (["summary", "resnet"], "model must be one of resnet-"),
        (["train", "deep-convnet", "--data", "cifar-10"], "grey images of 28 x 28 pixels"),
        (["predict", "nothing.png"], "nothing.png"),
        (["data", "imagenet"], "one of mnist, fashion-mnist, cifar-10, found 'imagenet'"),
    ],
)
def test_what_goes_wrong_is_one_sentence(run, args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.pth").touch()
    half = (zoo.FOLDER / "deep-convnet-seed0.npz").read_bytes()[:1000]
    (tmp_path / "half.npz").write_bytes(half)
    code, _, err = run(*args)
    assert code == 1
    assert message in err and "Traceback" not in err and err.startswith("dlcourse: ")


def test_unknown_options_are_usage_errors(run):
    assert run("train", "deep-convnet", "--epoch", "1")[0] == 2


def test_ensemble_votes_and_writes_its_record(run, tiny, tmp_path):
    members = ["deep-convnet-seed0", "small-convnet-seed0"]
    code, out, _ = run("ensemble", *members, "-o", tmp_path / "record.json")
    assert code == 0
    assert [line.split("  ")[1] for line in out.splitlines()[:2]] == members
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["network"]["members"] == members and record["test"]["images"] == 100
    assert f"together ({record['test']['errors']} errors in 100)" in out


def test_predict_reads_a_picture(run, tmp_path):
    seven = digit(tmp_path / "seven.png", 7)
    two = digit(tmp_path / "two.jpg", 2)
    code, out, _ = run("predict", seven, two)
    assert code == 0
    first, second = out.splitlines()
    assert "seven.png: 7 (" in first and "two.jpg: 2 (" in second


def test_summary(run):
    assert "123,552" in run("summary")[1]
    assert "561,905" in run("summary", "scenes/fcn-8s")[1]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("rl/cartpole-dqn-seed0", "test, episodes: 10\n"),
        ("rl/cliff-walking-sarsa", "test, mean_return: ["),
        ("ensembles/deep-convnet", "test accuracy "),
    ],
)
def test_entries_of_other_kinds_are_evaluated(run, tiny, name, start):
    pytest.importorskip("gymnasium", reason="pip install 'dlcourse[rl]'")
    assert run("evaluate", name)[1].startswith(start)


def test_a_classifier_is_evaluated_on_so_many_threads(run, tiny, monkeypatch):
    asked = []

    def noted(model, make_loss, workers=None, **more):
        asked.append(workers)
        return ParallelModel(model, make_loss, workers, **more)

    monkeypatch.setattr("dlcourse.zoo.classifiers.ParallelModel", noted)
    assert run("evaluate", "deep-convnet-seed0", "--workers", 3)[0] == 0
    assert run("evaluate", "deep-convnet-seed0")[0] == 0
    assert asked == [3, None]


def test_doctor_tells_what_is_missing(run, monkeypatch):
    code, out, _ = run("doctor")
    assert code == 0
    assert "ok       mnist" in out and "checksums right" in out and "gpu" in out
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'dlcourse[gpu]'" in run("doctor")[1]


def test_doctor_finds_that_the_zoo_is_empty(run, monkeypatch, tmp_path):
    monkeypatch.setattr("dlcourse.zoo.entry.FOLDER", tmp_path)
    code, out, _ = run("doctor")
    assert code == 1 and "broken   weights" in out and "found none" in out


def test_doctor_finds_broken_data(run, monkeypatch):
    def broken():
        raise ValueError("train-images: expected this, found that; reinstall")

    monkeypatch.setattr("dlcourse.doctor.installation.load_mnist", broken)
    code, out, _ = run("doctor")
    assert code == 1
    assert "broken   mnist" in out and "reinstall" in out


def test_data_verifies(run):
    code, out, _ = run("data")
    assert code == 0 and out == "mnist: 60,000 training and 10,000 test images, verified\n"


def test_training_on_scenes_leaves_a_record_and_can_be_repeated(run, tmp_path, monkeypatch):
    monkeypatch.setattr("dlcourse.applications.segmentation.entries._PLAN", {32: (2, 0.001)})
    monkeypatch.setattr("dlcourse.applications.segmentation.entries._BATCH", 2)
    few = load_scenes("test", 3)
    monkeypatch.setattr(
        "dlcourse.applications.segmentation.entries.load_scenes", lambda *args, **more: few
    )
    command = ("train-entry", "scenes/fcn-32s", "-o", tmp_path / "run", "--no-progress")
    records = []
    for _ in range(2):  # the second finds that all is done, and tells how long it took then
        code, out, err = run(*command)
        assert code == 0, err
        assert "test, 100: {" in out
        records.append(json.loads((tmp_path / "run" / "record.json").read_text()))
    assert records[0] == records[1] and records[0]["entry"] == "scenes/fcn-32s"
    training = records[0]["training"]
    assert training["steps"] == 2 and len(training["losses"]) == 2
    weights = load_arrays(tmp_path / "run" / "weights.npz")
    # The whole numbers are of batches counted.
    assert {array.dtype.name for array in weights.values()} == {"float16", "int64"}
    assert run("evaluate", tmp_path / "run")[1].startswith("test, 100: {")
    code, _, err = run("train-entry", "scenes/fcn-8")
    assert code == 1 and "must be one of scenes/fcn-8s" in err


def test_play_without_a_standard_output(run, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert run("play", "rl/cartpole-dqn-seed0", "--most", "2") == (0, "", "")
