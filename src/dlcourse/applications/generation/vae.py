"""Training a variational autoencoder, and what to do with one: draw new images, redraw old ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.habits import explained
from dlcourse.models.vae import VAE, VAEOutputs
from dlcourse.nn import Sigmoid
from dlcourse.training import Stream, generator


class VAELoss:
    """How badly images are redrawn, plus how much the encoder tells about them.

    For each image, in nats, and then the mean over the batch (Kingma and Welling 2014, equation 10
    and appendix B; it is minus the *evidence lower bound*, ELBO)::

        redrawing = sum over pixels of log(1 + exp(s)) - x * s
        telling = sum over latent numbers of (mean^2 + variance - log variance - 1) / 2

    The first is minus the log probability of the pixels x, if sigmoid(s) is the probability of
    white. The second is the Kullback-Leibler divergence of the encoder's distribution from a
    standard normal one. It is 0 if the encoder says that for every image, and it is what makes it
    possible to draw z from a standard normal distribution later.

    Attributes
    ----------
    redrawing, telling : float
        The two parts of the last loss.

    Examples
    --------
    >>> zeros = np.zeros((1, 1, 2, 2), np.float32)
    >>> outputs = VAEOutputs(zeros, np.array([[1.0]], np.float32), np.zeros((1, 1), np.float32))
    >>> loss = VAELoss()
    >>> round(loss(outputs, zeros), 4), loss.telling  # 4 log 2 for four pixels, and 1/2
    (3.2726, 0.5)
    >>> loss.backward().mean
    array([[1.]], dtype=float32)
    """

    def __call__(self, y: VAEOutputs, t: Array) -> float:
        """Return the mean loss of outputs for the images `t`, whose values are from 0 to 1.

        Raises
        ------
        ValueError
            If the images do not have the scores' shape, or have values outside that range.
        """
        xp = array_module(t)
        if t.shape != y.scores.shape or t.size == 0:
            raise ValueError(
                f"VAELoss expects images of the scores' shape {y.scores.shape}, at least one, "
                f"found {t.shape}"
            )
        if not (t.min() >= 0 and t.max() <= 1):
            raise ValueError(
                "VAELoss expects values from 0 to 1, "
                f"found {float(t.min()):g} to {float(t.max()):g}"
            )
        variance = xp.exp(y.log_variance)
        # log(1 + exp(s)) without an exp that could overflow.
        redrawing = xp.logaddexp(y.scores, xp.zeros_like(y.scores)) - t * y.scores
        telling = (y.mean * y.mean + variance - y.log_variance - 1) / 2
        self.redrawing = float(redrawing.sum()) / len(t)
        self.telling = float(telling.sum()) / len(t)
        self._gradients = VAEOutputs(
            (Sigmoid()(y.scores) - t) / len(t), y.mean / len(t), (variance - 1) / (2 * len(t))
        )
        return self.redrawing + self.telling

    def backward(self) -> VAEOutputs:
        """Return the gradients of the last loss with respect to all outputs."""
        return self._gradients


def vae_gradients(
    model: VAE, images: np.ndarray, batch_size: int, seed: int
) -> Callable[[int], float]:
    """Return the gradients of a variational autoencoder, for `dlcourse.training.descent`.

    Parameters
    ----------
    model : VAE
        What is trained.
    images : array of shape (N, 1, 28, 28)
        Images to learn from, from 0 to 1.
    batch_size : int
        Images per step, drawn at random.
    seed : int
        What images and noise are drawn from.

    Examples
    --------
    >>> vae = VAE(8, rng=np.random.default_rng(0))
    >>> gradients = vae_gradients(vae, np.zeros((10, 1, 28, 28), np.float32), batch_size=4, seed=0)
    >>> gradients(0) > 0
    True
    """
    loss = VAELoss()
    model.skip_input_grad()

    def gradients(number: int) -> float:
        chosen = generator(seed, Stream.BATCH, number).integers(len(images), size=batch_size)
        model.start_training()
        model.set_generator(generator(seed, Stream.NOISE, number))
        value = loss(model(images[chosen]), images[chosen])
        model.backward(loss.backward())
        return value

    return gradients


@explained
def sample_vae(model: VAE, count: int, rng: np.random.Generator) -> Array:
    """Return new images (N, 1, 28, 28), from 0 to 1: what the decoder draws for z drawn at random.

    Each pixel's probability of being white is taken as its brightness.

    Examples
    --------
    >>> vae = VAE(8, rng=np.random.default_rng(0))
    >>> sample_vae(vae, 5, np.random.default_rng(0)).shape
    (5, 1, 28, 28)
    """
    like = model.parameters()[0].data
    z = array_module(like).asarray(rng.standard_normal((count, model.latent)), dtype=like.dtype)
    return Sigmoid()(model.decoder.for_inference()(z))


def reconstruct(model: VAE, x: Array) -> Array:
    """Return images as the autoencoder redraws them, without noise; the shape is that of `x`.

    Examples
    --------
    >>> vae = VAE(8, rng=np.random.default_rng(0))
    >>> reconstruct(vae, np.zeros((5, 1, 28, 28), np.float32)).shape
    (5, 1, 28, 28)
    """
    return Sigmoid()(model.for_inference()(x).scores)
