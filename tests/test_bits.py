"""The same seed gives the same bits, however many threads BLAS has and however many are ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = [
    ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, "1"),
    ({"OPENBLAS_NUM_THREADS": "2"}, "2"),
    ({"OMP_NUM_THREADS": "3"}, "3"),
]


@pytest.fixture(scope="module")
def runs():
    names = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
    rest = {name: value for name, value in os.environ.items() if name not in names}
    started = [
        subprocess.Popen(
            [sys.executable, "support/bits_of.py", workers],
            cwd=Path(__file__).parent,
            env=rest | threads | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for threads, workers in SETTINGS
    ]
    found = []
    for process in started:
        out, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        found.append(dict(line.split(" | ") for line in out.splitlines()))
    return found


@pytest.mark.parametrize("other", [1, 2])
def test_no_bit_depends_on_the_number_of_threads(runs, other):
    assert len(runs[0]) > 60
    assert {name for name in runs[0] if runs[0][name] != runs[other][name]} == set()


def test_trainings_at_once_have_the_bits_of_one_alone(runs):
    for run in runs:
        at_once = [run[name] for name in run if "at once" in name]
        assert len(at_once) == 2 and all(" " not in hashes for hashes in at_once)
