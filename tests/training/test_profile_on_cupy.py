"""A profile of a model on a GPU, on the double of CuPy: events take the time."""

import cupy_double
import numpy as np

from dlcourse.machine import Machine
from dlcourse.models import LeNet5
from dlcourse.training import profile


def test_a_profile(monkeypatch):
    xp = cupy_double.install(monkeypatch)
    model = LeNet5(rng=np.random.default_rng(0)).to("cuda")
    x = xp.asarray(np.zeros((4, 1, 28, 28), np.float32))
    found = profile(model, x, machine=Machine(1, "float32", 1e9, 1e9), repeats=2)
    assert found.seconds > 0 and found.backward_seconds
    assert "features.0" in str(found)
