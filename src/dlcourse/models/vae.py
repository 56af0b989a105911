"""A variational autoencoder for 28x28 grey images (Kingma and Welling 2014)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.nn import (
    Conv2d,
    ConvTranspose2d,
    Draws,
    Flatten,
    Linear,
    Module,
    ReLU,
    Sequential,
)

#: Channels and sides of the smallest grid.
_GRID = (32, 7, 7)
_HIDDEN = 64


class VAEOutputs(NamedTuple):
    """What a `VAE` gives for a batch, or the gradients with respect to it."""

    scores: Array  #: (N, 1, 28, 28), of each pixel: its sigmoid is the probability of white
    mean: Array  #: (N, latent)
    log_variance: Array  #: (N, latent)


class VAE(Draws, Module):
    """An encoder says roughly where an image lies; a decoder draws what lies there.

    The encoder gives a mean and a variance for each of a few numbers, the decoder gets one draw
    from that normal distribution. Drawing has no gradient. So noise is drawn from a standard
    normal distribution, which has nothing to learn, and then stretched and moved (the
    *reparameterisation* of Kingma and Welling 2014, section 2.4)::

        mean, log_variance = encoder(x)
        z = mean + exp(log_variance / 2) * noise
        scores = decoder(z)

    Outside training there is no noise: z is the mean.

    Parameters
    ----------
    latent : int
        How many numbers z has.
    rng : numpy.random.Generator
        Draws the initial weights. `set_generator` hands over the one that draws the noise.

    Examples
    --------
    >>> vae = VAE(8, rng=np.random.default_rng(0)).eval()
    >>> outputs = vae(np.zeros((5, 1, 28, 28), np.float32))
    >>> outputs.scores.shape, outputs.mean.shape
    ((5, 1, 28, 28), (5, 8))
    >>> vae.decoder(np.zeros((3, 8), np.float32)).shape
    (3, 1, 28, 28)
    """

    def __init__(self, latent: int = 8, *, rng: np.random.Generator) -> None:
        super().__init__()
        if latent < 1:
            raise ValueError(f"latent must be at least 1, found {latent}")
        self.latent = latent
        channels, height, width = _GRID
        self.encoder = Sequential(
            Conv2d(1, channels // 2, 4, stride=2, padding=1, rng=rng),
            ReLU(),
            Conv2d(channels // 2, channels, 4, stride=2, padding=1, rng=rng),
            ReLU(),
            Flatten(),
            Linear(channels * height * width, _HIDDEN, rng=rng),
            ReLU(),
            Linear(_HIDDEN, 2 * latent, rng=rng),
        )
        self.decoder = Sequential(
            Linear(latent, _HIDDEN, rng=rng),
            ReLU(),
            Linear(_HIDDEN, channels * height * width, rng=rng),
            ReLU(),
            _Grid(),
            ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1, rng=rng),
            ReLU(),
            ConvTranspose2d(channels // 2, 1, 4, stride=2, padding=1, rng=rng),
        )

    def forward(self, x: Array) -> VAEOutputs:
        """Return scores, means and log variances for images (N, 1, 28, 28)."""
        if x.shape[1:] != (1, 28, 28):
            raise ValueError(f"VAE expects images of shape (N, 1, 28, 28), found {x.shape}")
        both = self.encoder(x)
        mean, log_variance = both[:, : self.latent], both[:, self.latent :]
        self._shift = None
        if self.training:
            xp = array_module(x)
            noise = xp.asarray(self.generator.standard_normal(mean.shape), dtype=x.dtype)
            self._shift = xp.exp(log_variance / 2) * noise
        z = mean if self._shift is None else mean + self._shift
        return VAEOutputs(self.decoder(z), mean, log_variance)

    def backward(self, dy: VAEOutputs) -> Array:
        """Return the gradient with respect to the images, given the gradients of all outputs.

        Two ways lead to the mean and the log variance: through z, and directly, since the loss
        depends on them. With ``z = mean + exp(log_variance / 2) * noise``, the slope of z is 1 for
        the mean and ``exp(log_variance / 2) * noise / 2`` for the log variance.
        """
        d_scores, d_mean, d_log_variance = dy
        dz = self.decoder.backward(d_scores)
        d_mean = d_mean + dz
        if self._shift is not None:
            d_log_variance = d_log_variance + dz * self._shift / 2
        xp = array_module(dz)
        return self.encoder.backward(xp.concatenate([d_mean, d_log_variance], axis=1))

    def entrance(self) -> Module:
        return self.encoder


class _Grid(Module):
    """Values in a row as channels of a small grid: `Flatten` in reverse."""

    def forward(self, x: Array) -> Array:
        return x.reshape(-1, *_GRID)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(len(dy), math.prod(_GRID))
