"""Q-networks and DQN's loss against PyTorch: values and every gradient, in float64."""

import numpy as np
import pytest

from dlcourse.models import DuelingHead, MinAtarQNetwork

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
nn = torch.nn


class TorchDueling(nn.Module):
    def __init__(self, features, actions):
        super().__init__()
        self.value = nn.Linear(features, 1)
        self.advantage = nn.Linear(features, actions)

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


class TorchMinAtar(nn.Module):
    def __init__(self, dueling):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(4, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU())
        )
        self.head = TorchDueling(128, 3) if dueling else nn.Linear(128, 3)

    def forward(self, x):
        return self.head(self.features(x))


def compare(ours, theirs, x):
    ours = ours.astype(np.float64)
    theirs = theirs.double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    rng = np.random.default_rng(1)
    y, expected = ours(x), theirs(torch.tensor(x))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    # As DQN does: Huber loss on the value of the action taken, nothing on the others.
    rows, actions = np.arange(len(x)), rng.integers(3, size=len(x))
    targets = 3 * rng.standard_normal(len(x))
    nn.functional.smooth_l1_loss(expected[rows, actions], torch.tensor(targets)).backward()
    dy = np.zeros_like(y)
    dy[rows, actions] = np.clip(y[rows, actions] - targets, -1, 1) / len(x)
    ours.backward(dy)
    gradients = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.grad, gradients[name].grad.numpy(), rtol=1e-8, atol=1e-12, err_msg=name
        )


def test_the_dueling_head():
    rng = np.random.default_rng(0)
    compare(DuelingHead(6, 3, rng=rng), TorchDueling(6, 3), rng.standard_normal((5, 6)))


@pytest.mark.parametrize("dueling", [False, True])
def test_the_network_for_minatar(dueling):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4, 10, 10))
    compare(MinAtarQNetwork(4, 3, dueling=dueling, rng=rng), TorchMinAtar(dueling), x)
