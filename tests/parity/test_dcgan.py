"""DCGAN against the same networks in PyTorch: images, scores and every gradient, in float64."""

import numpy as np
import pytest

from dlcourse.models import DCGANDiscriminator, DCGANGenerator

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
nn = torch.nn


class TorchGenerator(nn.Module):
    def __init__(self, latent, width):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent, 4 * width, 4, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.main(x)


class TorchDiscriminator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 4, bias=False),
        )

    def forward(self, x):
        return self.main(x).reshape(-1)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_outputs_and_gradients(player):
    rng = np.random.default_rng(0)
    if player == "generator":
        ours, theirs = DCGANGenerator(6, 4, rng=rng), TorchGenerator(6, 4)
        x = rng.standard_normal((5, 6, 1, 1))
    else:
        ours, theirs = DCGANDiscriminator(4, rng=rng), TorchDiscriminator(4)
        x = rng.uniform(-1, 1, (5, 1, 28, 28))
    ours.astype(np.float64)
    theirs.double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({k: torch.from_numpy(a) for k, a in ours.state_dict().items()})
    moving = torch.from_numpy(x).requires_grad_()
    y, expected = ours(x), theirs(moving)
    np.testing.assert_allclose(y, expected.detach(), rtol=1e-9, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    dx = ours.backward(dy)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(dx, moving.grad, rtol=1e-8, atol=1e-12)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-8, atol=1e-11, err_msg=name)
    ours.eval()
    theirs.eval()
    np.testing.assert_allclose(ours(x), theirs(torch.from_numpy(x)).detach(), rtol=1e-9, atol=1e-12)
