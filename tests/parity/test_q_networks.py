"""Q-networks against PyTorch: values and every gradient, in float64."""

from collections import OrderedDict

import numpy as np
import pytest

from dlcourse.models import DuelingHead, MinAtarQNetwork

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
from torch_agreement import assert_same

nn = torch.nn


class TorchDueling(nn.Module):
    def __init__(self, features, actions):
        super().__init__()
        self.value = nn.Linear(features, 1)
        self.advantage = nn.Linear(features, actions)

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


def torch_minatar(dueling):
    layers = nn.Conv2d(4, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU()
    head = TorchDueling(128, 3) if dueling else nn.Linear(128, 3)
    return nn.Sequential(OrderedDict(features=nn.Sequential(*layers), head=head))


def test_the_dueling_head():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 6))
    assert_same(DuelingHead(6, 3, rng=rng), TorchDueling(6, 3), x)


@pytest.mark.parametrize("dueling", [False, True])
def test_the_network_for_minatar(dueling):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 10, 10))
    assert_same(MinAtarQNetwork(4, 3, dueling=dueling, rng=rng), torch_minatar(dueling), x)
