"""Real ranks, started by a real mpiexec: that they agree, and what happens when one fails."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rank_training import assert_same, result, small_dataset, small_trainer, train_deep_convnet

from dlcourse.distributed import MPI, CommunicationError, started_ranks
from dlcourse.nn.weights import load_arrays
from dlcourse.training import Checkpoint

TESTS = Path(__file__).parents[1]
MPIEXEC = Path(sys.executable).with_name("mpiexec")

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or not MPIEXEC.exists(),
    reason="needs mpi4py and mpich: pip install -e '.[mpi]'",
)


def mpiexec(size, *command, timeout=60):
    """Run a Python program on so many ranks; one that hangs is an error."""
    return subprocess.run(
        [MPIEXEC, "-n", str(size), sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        env=os.environ | {"RANKS_TIMEOUT": str(timeout)},
        timeout=timeout + 120,
    )


def ranks(size, *arguments, **options):
    return mpiexec(size, TESTS / "support" / "mpi_ranks.py", *arguments, **options)


@pytest.mark.parametrize(
    ("size", "what"), [*((size, "operations") for size in (1, 2, 3, 4)), (2, "device")]
)
def test_operations(size, what):
    done = ranks(size, what)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("all right") == size


STEPS = 100


@pytest.fixture(scope="module")
def alone():
    return train_deep_convnet(None, STEPS)


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_train_deep_convnet_as_one_process_bit_for_bit(size, alone, tmp_path):
    done = ranks(size, "deep_convnet", tmp_path / "a.npz", STEPS)
    assert done.returncode == 0, done.stderr
    arrays = load_arrays(tmp_path / "a.npz")
    assert arrays.keys() == alone.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, alone[name], err_msg=name)


def test_killed_twenty_times_it_neither_hangs_nor_loses_a_step(tmp_path):
    path = tmp_path / "checkpoint.npz"
    rng = np.random.default_rng(6)
    steps = 0
    for _ in range(20):
        done = ranks(2, "killed", path, rng.integers(2), rng.uniform(0, 0.3), timeout=30)
        assert done.returncode == 9
        assert "KILLED BY SIGNAL: 9" in done.stdout or "Killed (signal 9)" in done.stdout
        assert "CommunicationError" not in done.stderr  # that would be the timeout
        if path.exists():
            kept = Checkpoint.load(path)
            # What was done by then is not done again.
            assert kept.history.done >= steps
            steps = kept.history.done
    assert steps > 0
    epochs = steps // 6 + 1
    again, straight = small_trainer(checkpoint=path), small_trainer()
    with pytest.warns(UserWarning, match="not a bit changes"):  # from two ranks to one
        again.fit(small_dataset(), epochs=epochs)
    straight.fit(small_dataset(), epochs=epochs)
    assert_same(result(again), result(straight))
    assert list(tmp_path.iterdir()) == [path]  # nothing that was half written


def test_a_rank_that_hangs_ends_all_within_the_timeout(tmp_path):
    path = tmp_path / "checkpoint.npz"
    done = ranks(3, "hung", path, timeout=3)
    assert done.returncode == 1
    assert "of 3 has waited 3 s in" in done.stderr
    assert "from rank 1, which hangs, has failed, or takes longer" in done.stderr
    assert len(Checkpoint.load(path).history.epochs) in (1, 2)
    pid = int(done.stdout)
    for _ in range(100):  # the one that hung is ended as well
        if not _runs(pid):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the rank that hung goes on")


def _runs(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_on_one_rank_ends_all(rank):
    done = ranks(2, "fails", rank)
    assert done.returncode == 1
    assert "KeyError: 'no such layer'" in done.stderr
    assert "has waited" not in done.stderr


@pytest.mark.parametrize("what", ["fails_alike", "fails_at_length"])
def test_an_error_is_told_once_and_whole(what):
    done = ranks(3, what)
    assert done.returncode == 1
    assert done.stderr.count("ValueError: no such layer" + 100_000 * ".") == 1
    assert "Traceback" in done.stderr and "has waited" not in done.stderr


def test_a_rank_that_leaves_is_missed():
    done = ranks(2, "leaves", timeout=1)
    assert done.returncode == 1
    assert "rank 0 of 2 has waited 1 s in barrier for a message from rank 1" in done.stderr


def test_a_message_of_another_length_is_refused():
    done = ranks(2, "short")
    assert done.returncode == 1
    assert "rank 1 in recv for a message from rank 0 expects 32 bytes" in done.stderr
    assert "found 24" in done.stderr


def dlcourse(size, *arguments):
    return mpiexec(size, "-m", "dlcourse", *arguments)


@pytest.mark.parametrize("model", ["deep-convnet", "small-convnet"])
def test_the_command_on_two_ranks(model, tmp_path):
    options = ["--images", 200, "--validation", 100, "--epochs", 1, "--no-progress"]
    weights, losses = [], []
    for size in (1, 2):
        folder = tmp_path / str(size)
        done = dlcourse(size, "train", model, *options, "-o", folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("test accuracy") == 1
        record = json.loads((folder / "record.json").read_text())
        assert record["training"]["ranks"] == size
        losses.append(record["training"]["epochs"][0]["train_loss"])
        weights.append(load_arrays(folder / "weights.npz"))
    # In small-convnet sums over the batch, for its normalization, are taken in another order.
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    if model == "deep-convnet":
        for name, array in weights[0].items():
            np.testing.assert_array_equal(array, weights[1][name], err_msg=name)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_slurm_runs(tmp_path):
    # What Slurm would do but start it on other machines: its variable, and our options behind.
    script = TESTS.parent / "book" / "4-distributed" / "train.slurm"
    (tmp_path / "dlcourse").write_text(f"#!/bin/sh\nexec '{sys.executable}' -m dlcourse \"$@\"\n")
    (tmp_path / "dlcourse").chmod(0o755)
    path = f"{tmp_path}:{MPIEXEC.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", script, "--images", "100", "--epochs", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"SLURM_NTASKS": "2", "PATH": path},
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "deep-convnet-slurm" / "record.json").exists()


def test_the_page_shows_the_script_for_slurm():
    folder = TESTS.parent / "book" / "4-distributed"
    page = (folder / "scaling-out.md").read_text()
    shown = page.split("```shell\n")[1].split("```")[0].splitlines()
    assert len(shown) >= 8
    assert set(shown) <= set((folder / "train.slurm").read_text().splitlines())


def test_the_command_tells_an_error_once(tmp_path):
    options = ["--images", 200, "--epochs", 1, "--no-progress", "-o", tmp_path]
    done = dlcourse(5, "train", "deep-convnet", *options)
    assert done.returncode == 1
    assert done.stderr.count("dlcourse: a batch of 100 images gives work to 4 ranks") == 1


def test_an_mpiexec_of_another_library_is_told(monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    assert started_ranks() == 2
    with pytest.raises(CommunicationError, match="2 ranks were started, but the MPI library"):
        MPI()


def test_without_mpi4py_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    with pytest.raises(CommunicationError, match=r"pip install -e '\.\[mpi\]'"):
        MPI()
