"""DCGAN: a network that makes images from noise, and one that tells them from real ones."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array
from dlcourse.habits import explained
from dlcourse.nn import (
    BatchNorm2d,
    Chain,
    Conv2d,
    ConvTranspose2d,
    LeakyReLU,
    Module,
    ReLU,
    Sequential,
    Tanh,
)


class DCGANGenerator(Chain):
    """Makes 28x28 grey images from vectors of random numbers (Radford et al. 2016).

    Four transposed convolutions lead from 1x1 through 4x4, 7x7 and 14x14 to 28x28, all but the last
    with batch normalization and ReLU; a final tanh gives the range of the images, from -1 to 1. The
    paper makes 64x64 in the same way, with more channels.

    Parameters
    ----------
    latent : int
        Numbers in a vector, which has the shape (latent, 1, 1).
    width : int
        Channels at 14x14; the earlier stages have twice and four times as many.
    rng : numpy.random.Generator
        Draws the initial weights, see `init_dcgan`.

    Attributes
    ----------
    main : Sequential
        (N, latent, 1, 1) to (N, 1, 28, 28).

    Examples
    --------
    >>> net = DCGANGenerator(rng=np.random.default_rng(0))
    >>> net(np.zeros((5, 64, 1, 1), np.float32)).shape
    (5, 1, 28, 28)
    >>> sum(p.data.size for p in net.parameters())
    238528
    """

    def __init__(self, latent: int = 64, width: int = 32, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.latent = latent
        # Where normalization follows, a bias would be subtracted again.
        self.main = Sequential(
            ConvTranspose2d(latent, 4 * width, 4, bias=False, rng=rng),
            BatchNorm2d(4 * width),
            ReLU(),
            ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1, bias=False, rng=rng),
            BatchNorm2d(2 * width),
            ReLU(),
            ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False, rng=rng),
            BatchNorm2d(width),
            ReLU(),
            ConvTranspose2d(width, 1, 4, stride=2, padding=1, bias=False, rng=rng),
            Tanh(),
        )
        init_dcgan(self, rng)

    def forward(self, x: Array) -> Array:
        """Return images (N, 1, 28, 28) from -1 to 1 for vectors (N, latent, 1, 1)."""
        if x.shape[1:] != (self.latent, 1, 1):
            raise ValueError(
                f"DCGANGenerator expects vectors (N, {self.latent}, 1, 1), found shape {x.shape}"
            )
        return super().forward(x)


class DCGANDiscriminator(Chain):
    """Gives images that it takes for real a score above zero, and all others one below zero.

    Strided convolutions shrink 28x28 to 14x14, 7x7 and 4x4, with leaky ReLU of slope 0.2 and, all
    but the first, batch normalization (Radford et al. 2016). The sigmoid that turns the score
    into a probability is part of the loss.

    Parameters
    ----------
    width : int
        Channels at 14x14; the later stages have twice and four times as many.
    rng : numpy.random.Generator
        Draws the initial weights, see `init_dcgan`.

    Attributes
    ----------
    main : Sequential
        (N, 1, 28, 28) to (N, 1, 1, 1).

    Examples
    --------
    >>> net = DCGANDiscriminator(rng=np.random.default_rng(0))
    >>> net(np.zeros((5, 1, 28, 28), np.float32)).shape
    (5,)
    >>> sum(p.data.size for p in net.parameters())
    109440
    """

    def __init__(self, width: int = 32, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.main = Sequential(
            Conv2d(1, width, 4, stride=2, padding=1, bias=False, rng=rng),
            LeakyReLU(0.2),
            Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False, rng=rng),
            BatchNorm2d(2 * width),
            LeakyReLU(0.2),
            Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False, rng=rng),
            BatchNorm2d(4 * width),
            LeakyReLU(0.2),
            Conv2d(4 * width, 1, 4, bias=False, rng=rng),
        )
        init_dcgan(self, rng)

    def forward(self, x: Array) -> Array:
        """Return one score for each image of (N, 1, 28, 28), shape (N,)."""
        if x.shape[1:] != (1, 28, 28):
            raise ValueError(
                f"DCGANDiscriminator expects images (N, 1, 28, 28), found shape {x.shape}"
            )
        return super().forward(x).reshape(-1)

    def backward(self, dy: Array) -> Array:
        return super().backward(dy.reshape(-1, 1, 1, 1))


@explained
def init_dcgan(network: Module, rng: np.random.Generator) -> None:
    """Draw the weights of a network as DCGAN does, in place.

    Those of convolutions come from a normal distribution of mean 0 and standard deviation 0.02
    (Radford et al. 2016, section 4), the scales of normalization from one of mean 1, as in the code
    that comes with the paper.

    Examples
    --------
    >>> net = Conv2d(16, 100, 3, rng=np.random.default_rng(0))
    >>> init_dcgan(net, np.random.default_rng(0))
    >>> round(float(net.weight.data.std()), 3)
    0.02
    """
    for _, module in network.named_modules():
        if isinstance(module, Conv2d | ConvTranspose2d | BatchNorm2d):
            weight = module.weight.data
            weight[...] = 0.02 * rng.standard_normal(weight.shape, dtype=np.float32)
            if isinstance(module, BatchNorm2d):
                weight += 1


class DCGAN(Chain):
    """Both networks of a DCGAN, the second behind the first: from vectors to a score of each image.

    Parameters
    ----------
    latent, width : int
        As for `DCGANGenerator`.
    rng : numpy.random.Generator
        Draws the initial weights.

    Examples
    --------
    >>> gan = DCGAN(rng=np.random.default_rng(0)).eval()
    >>> gan.generator(np.zeros((2, 64, 1, 1), np.float32)).shape
    (2, 1, 28, 28)
    >>> gan(np.zeros((2, 64, 1, 1), np.float32)).shape
    (2,)
    """

    def __init__(self, latent: int = 64, width: int = 32, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.generator = DCGANGenerator(latent, width, rng=rng)
        self.discriminator = DCGANDiscriminator(width, rng=rng)
