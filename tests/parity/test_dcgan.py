"""DCGAN against the same networks in PyTorch: images, scores and every gradient, in float64."""

from collections import OrderedDict

import numpy as np
import pytest

from dlcourse.models import DCGANDiscriminator, DCGANGenerator

torch = pytest.importorskip("torch", reason="torch is not installed; make parity installs it")
from torch_agreement import assert_same

nn = torch.nn


def generator(latent, width):
    return nn.Sequential(
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


def discriminator(width):
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 4 * width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4 * width, 1, 4, bias=False),
        nn.Flatten(0),
    )


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_outputs_and_gradients(player):
    rng = np.random.default_rng(0)
    if player == "generator":
        ours, main = DCGANGenerator(6, 4, rng=rng), generator(6, 4)
        x = rng.standard_normal((5, 6, 1, 1))
    else:
        ours, main = DCGANDiscriminator(4, rng=rng), discriminator(4)
        x = rng.uniform(-1, 1, (5, 1, 28, 28))
    theirs = nn.Sequential(OrderedDict(main=main))
    assert_same(ours, theirs, x)
    assert_same(ours.eval(), theirs.eval(), x)
