"""What a command leaves behind in the folder of its run, however it ends."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlcourse.entries import ENTRIES
from dlcourse.files import locked
from dlcourse.training import Trainer
from dlcourse.zoo.recipe import DATASETS

TRAIN = ("train", "small-convnet", "--epochs", "1", "--no-progress", "-o", "run")

#: As a process of its own, on few images.
PROCESS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from dlcourse.zoo.recipe import DATASETS; load = DATASETS['mnist']\n"
    "DATASETS['mnist'] = lambda: tuple(d.subset(slice(60)) for d in load())\n"
    "from dlcourse.cli import main; main()"
)


def train_with(monkeypatch, name, train):
    monkeypatch.setitem(ENTRIES, name, dataclasses.replace(ENTRIES[name], train=train))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        *(("--images", "600000"), ("--images", "-59960"), ("--validation", "300")),
        *(("--validation", "-1"), ("--seed", "-1"), ("--lr", "inf"), ("--lr", "nan")),
        *(("--lr", "-1"), ("--batch-size", "0"), ("--epochs", "-1"), ("--workers", "0")),
        *(("--checkpoint-every", "0"), ("--timeout", "nan"), ("--data", "cifar-10")),
        *(
            ("--augment", "shfit"),
            ("--schedule", "step,"),
            ("--images", "260", "--validation", "50"),
        ),
    ],
)
def test_a_rejected_training_names_the_option_and_leaves_nothing(run, tiny, wrong):
    code, _, err = run(*TRAIN, *wrong)
    assert code == 1 and wrong[0] in err and err.count("\n") == 1
    assert not os.path.exists("run")


def test_data_that_cannot_be_fetched_leave_nothing(run, tiny, monkeypatch):
    def offline():
        raise OSError("it could not be downloaded")

    monkeypatch.setitem(DATASETS, "fashion-mnist", offline)
    assert run(*TRAIN, "--data", "fashion-mnist")[0] == 1
    assert not os.path.exists("run")
    assert run(*TRAIN)[0] == 0


def test_a_training_that_kept_nothing_does_not_block_another_recipe(run, tiny, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "fit", lambda *_, **__: 1 / 0)
        code, _, err = run(*TRAIN)
        assert code == 1 and "ZeroDivisionError" in err and "a fault of dlcourse" in err
    assert run(*TRAIN, "--lr", "0.01")[0] == 0
    code, _, err = run(*TRAIN)
    assert code == 1 and "run holds a run with lr 0.01, expected 0.001" in err


def test_an_entry_that_cannot_be_trained_does_not_block_another(run, monkeypatch):
    def without_package(*_, **__):
        raise ImportError("this needs a package")

    name, other = "rl/cliff-walking-sarsa", "rl/cliff-walking-q-learning"
    train_with(monkeypatch, name, without_package)
    assert run("train-entry", name, "-o", "run")[0] == 1
    assert run("train-entry", other, "-o", "run", "--no-progress")[0] == 0
    assert run("evaluate", "run")[1].startswith("test, mean_return: [")
    for command in (("train-entry", name, "-o", "run"), TRAIN):
        code, _, err = run(*command)
        assert code == 1 and other in err


@pytest.mark.parametrize(
    "there", ["[]", "", "{", '{"hello": 1}', '{"lr": "fast"}', "\xff", "1e999"]
)
def test_a_recipe_of_another_kind_is_named(run, tiny, there):
    os.mkdir("run")
    with open("run/recipe.json", "w", encoding="latin-1") as file:
        file.write(there)
    for command in (("evaluate", "run"), ("ensemble", "run")):
        code, _, err = run(*command)
        assert code == 1 and err.startswith("dlcourse: run/recipe.json: ")
    if there != '{"lr": "fast"}':
        code, _, err = run(*TRAIN)
        assert code == 1 and "run" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        *(TRAIN[:-1], ("train-entry", "generation/vae", "-o")),
        *(("ensemble", "-o"), ("doctor", "--gpu", "-o")),
        ("style", "a.png", "starry-night", "-o"),
        ("play", "rl/cartpole-dqn-seed0", "-o"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(run, monkeypatch, command):
    for work in (
        "cli.using.evaluate_ensemble",
        "cli.applications.load_player",
        "applications.style.command.load_photograph",
    ):
        monkeypatch.setattr(f"dlcourse.{work}", lambda *_, **__: pytest.fail("too late"))
    monkeypatch.setattr("dlcourse.cli.installation.gpu_report", lambda **_: pytest.fail("too late"))
    train_with(monkeypatch, "generation/vae", lambda *_, **__: pytest.fail("too late"))
    end = {"style": ".png", "play": ".gif"}.get(command[0], "")
    os.mkdir(f"folder{end}")
    with open("file", "w"):
        pass
    for output in (f"folder{end}", f"file/inside{end}", f"{'x' * 300}{end}"):
        if output == "folder" and command[0].startswith("train"):
            continue
        code, _, err = run(*command, output)
        assert code == 1 and output.split("/")[0] in err and "[Errno" not in err, err
    assert sorted(os.listdir()) == ["file", f"folder{end}"]


@pytest.mark.parametrize("more", [(), ("--validation", "40"), ("--checkpoint-every", "1")])
def test_a_training_that_diverges_fails_and_keeps_what_was_good(run, tiny, more):
    # Momentum's steps grow without bound; with this rate the first one already does.
    wild = (*TRAIN, "--optimizer", "momentum", "--lr", "1e38", "--images", "100", *more)
    code, _, err = run(*wild)
    assert code == 1 and "smaller learning rate" in err and err.count("\n") == 1
    assert not {"record.json", "weights.npz"} & set(os.listdir("run"))
    assert run(*wild)[0] == 1


def test_a_last_step_too_large_is_noticed(run, tiny):
    code, _, err = run(
        *("train", "deep-convnet", "--images", 20, "--epochs", 1, "--lr", "1e30", "-o", "run"),
        "--no-progress",
    )
    assert code == 1 and "smaller learning rate" in err
    assert os.listdir("run") == ["recipe.json"]  # no checkpoint of it, nothing in the way
    assert run(*TRAIN)[0] == 0
    json.loads(Path("run/record.json").read_text(), parse_constant=pytest.fail)


def test_two_trainings_in_one_folder(run, tiny):
    os.mkdir("run")
    with locked("run/.lock"):
        code, _, err = run(*TRAIN)
        assert code == 1 and "another run is at work in run" in err
        assert os.listdir("run") == [".lock"]
    assert run(*TRAIN)[0] == 0
    assert ".lock" not in os.listdir("run")


def test_the_lock_of_a_killed_process_is_gone(run, tiny):
    os.mkdir("run")
    code = (
        "import time; from dlcourse.files import locked\n"
        "with locked('run/.lock'): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert run(*TRAIN)[0] == 1
        process.kill()
    assert run(*TRAIN)[0] == 0


@pytest.mark.parametrize("kind", ["pipe", "full", "closed"])
def test_a_progress_bar_that_cannot_be_written_stops_nothing(kind):
    command = [sys.executable, "-c", PROCESS, *TRAIN, "--progress"]
    if kind == "pipe":
        read, error = os.pipe()
        os.close(read)
    elif kind == "full":
        if not os.path.exists("/dev/full"):
            pytest.skip("no /dev/full here")
        error = os.open("/dev/full", os.O_WRONLY)
    else:
        error = os.open(os.devnull, os.O_WRONLY)
        command = ["sh", "-c", '"$@" 2>&-', "sh", *command]
    try:
        done = subprocess.run(command, stderr=error, stdout=subprocess.PIPE, check=False)
    finally:
        os.close(error)
    assert done.returncode == 0
    assert json.loads(Path("run/record.json").read_text())["training"]["epochs"]


def test_ctrl_c_before_the_first_checkpoint_says_so(run, tiny, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", interrupted)
    train_with(monkeypatch, "generation/vae", interrupted)
    for command in (TRAIN, ("train-entry", "generation/vae", "-o", "other")):
        code, _, err = run(*command)
        assert code == 130 and "starts over: nothing was kept" in err
        np.savez(f"{command[-1]}/checkpoint.npz")
        assert "goes on from what is kept in" in run(*command)[2]


def test_ctrl_c_while_all_is_imported_shows_no_traceback():
    code = (
        "import sys, signal; sys.modules['dlcourse.cli'] = None\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'dlcourse.cli': raise KeyboardInterrupt\n"
        "del sys.modules['dlcourse.cli']; sys.meta_path.insert(0, Finder())\n"
        "from dlcourse.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGINT and not done.stderr
