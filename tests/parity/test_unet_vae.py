"""U-Net with group normalization, and the VAE with its loss, against PyTorch in float64."""

import numpy as np
import pytest

from dlcourse.applications.generation.vae import VAELoss
from dlcourse.models import VAE, UNet
from dlcourse.models.unet import time_waves

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
from torch_agreement import assert_same, assert_same_gradients, take_over

nn = torch.nn


class TorchBlock(nn.Module):
    def __init__(self, before, after, features):
        super().__init__()
        self.before = nn.Sequential(
            nn.GroupNorm(before // 8, before), nn.ReLU(), nn.Conv2d(before, after, 3, padding=1)
        )
        self.time = nn.Linear(features, after)
        self.after = nn.Sequential(
            nn.GroupNorm(after // 8, after), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1)
        )
        self.shortcut = None if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x, time):
        y = self.after(self.before(x) + self.time(time)[:, :, None, None])
        return y + (x if self.shortcut is None else self.shortcut(x))


class TorchUNet(nn.Module):
    def __init__(self, widths, features):
        super().__init__()
        self.features = features
        self.time = nn.Sequential(
            nn.Linear(features, features), nn.ReLU(), nn.Linear(features, features), nn.ReLU()
        )
        self.first = nn.Conv2d(1, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            TorchBlock(widths[max(i - 1, 0)], width, features) for i, width in enumerate(widths)
        )
        self.middle = TorchBlock(widths[-1], widths[-1], features)
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(widths[i + 1], widths[i], 2, 2) for i in range(len(widths) - 1)
        )
        self.up = nn.ModuleList(TorchBlock(2 * width, width, features) for width in widths[:-1])
        self.last = nn.Sequential(
            nn.GroupNorm(widths[0] // 8, widths[0]),
            nn.ReLU(),
            nn.Conv2d(widths[0], 1, 3, padding=1),
        )

    def forward(self, x, t):
        time = self.time(torch.from_numpy(time_waves(t, self.features)))
        x, bridges = self.first(x), []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else nn.functional.avg_pool2d(x, 2), time)
            bridges.append(x)
        x = self.middle(x, time)
        for i in reversed(range(len(self.up))):
            x = self.up[i](torch.cat([self.enlarge[i](x), bridges[i]], dim=1), time)
        return self.last(x)


def torch_vae(latent):
    vae = nn.Module()
    vae.encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 64),
        nn.ReLU(),
        nn.Linear(64, 2 * latent),
    )
    vae.decoder = nn.Sequential(
        nn.Linear(latent, 64),
        nn.ReLU(),
        nn.Linear(64, 32 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 16, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1),
    )
    return vae.double()


def test_unet():
    torch.manual_seed(0)
    ours = UNet((8, 16, 24), time_features=8, rng=np.random.default_rng(0))
    theirs = TorchUNet((8, 16, 24), 8).double()
    x = np.random.default_rng(0).standard_normal((3, 1, 28, 28))
    assert_same(ours, theirs, x, np.array([1, 77, 200]))


def test_vae_with_its_loss():
    torch.manual_seed(0)
    ours, theirs = VAE(3, rng=np.random.default_rng(0)), torch_vae(3)
    take_over(ours.astype(np.float64), theirs)
    x = np.random.default_rng(0).random((4, 1, 28, 28))
    ours.set_generator(np.random.default_rng(1))
    loss = VAELoss()
    value = loss(ours(x), x)
    ours.backward(loss.backward())

    noise = torch.from_numpy(np.random.default_rng(1).standard_normal((4, 3)))
    tx = torch.from_numpy(x)
    mean, log_variance = theirs.encoder(tx).chunk(2, dim=1)
    scores = theirs.decoder(mean + (log_variance / 2).exp() * noise)
    redrawing = nn.functional.binary_cross_entropy_with_logits(scores, tx, reduction="sum")
    normal = torch.distributions.Normal
    said, known = normal(mean, (log_variance / 2).exp()), normal(0.0, 1.0)
    telling = torch.distributions.kl_divergence(said, known).sum()
    expected = (redrawing + telling) / 4
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-10)
    assert_same_gradients(ours, theirs)
