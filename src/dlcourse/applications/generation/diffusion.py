"""Diffusion: learn to take a little noise away, and a picture can be made of noise alone.

Sohl-Dickstein et al. 2015; here as in Ho et al. 2020 (DDPM), with the fewer steps of Song et al.
2021 (DDIM). The values of pictures lie between -1 and 1, as those of noise lie around 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcourse.models.unet import UNet
from dlcourse.nn import MSELoss
from dlcourse.training import Stream, generator


@dataclass(frozen=True)
class NoiseSchedule:
    """How much of the picture is left after t steps of noising.

    Attributes
    ----------
    alpha_bar : float64 array of shape (T + 1,)
        The share of the variance that is still the picture's: 1 at t = 0, about 0 at t = T.

    Raises
    ------
    ValueError
        If the shares do not fall from 1 to above 0.
    """

    alpha_bar: np.ndarray

    def __post_init__(self) -> None:
        shares = self.alpha_bar
        if len(shares) < 2 or shares[0] != 1 or not (np.diff(shares) < 0).all() or shares[-1] <= 0:
            raise ValueError(
                "a schedule expects shares that begin with 1 and fall at each step, to above 0; "
                f"found {shares[:3]} ... {shares[-1:]}"
            )

    @property
    def steps(self) -> int:
        """The number T of steps."""
        return len(self.alpha_bar) - 1


def cosine_schedule(steps: int = 200) -> NoiseSchedule:
    """Return the cosine schedule (Nichol and Dhariwal 2021): the picture fades along half a wave.

    ``alpha_bar[t] = f(t) / f(0)`` with ``f(t) = cos((t / T + s) / (1 + s) * pi / 2) ** 2`` and
    s = 0.008 (equation 17). No step takes more than 99.9% of what is left.

    Parameters
    ----------
    steps : int
        The number T of steps.

    Examples
    --------
    >>> cosine_schedule(4).alpha_bar.round(3)
    array([1.   , 0.847, 0.494, 0.144, 0.   ])
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, found {steps}")
    s = 0.008
    wave = np.cos((np.arange(steps + 1) / steps + s) / (1 + s) * math.pi / 2) ** 2
    kept = np.maximum(wave[1:] / wave[:-1], 0.001)
    return NoiseSchedule(np.concatenate([[1.0], np.cumprod(kept)]))


def add_noise(
    x: np.ndarray, t: np.ndarray, noise: np.ndarray, schedule: NoiseSchedule
) -> np.ndarray:
    """Return pictures after t steps of noising, all steps in one.

    ``x_t = sqrt(alpha_bar[t]) x + sqrt(1 - alpha_bar[t]) noise`` (Ho et al. 2020, equation 4).

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        Pictures, from -1 to 1.
    t : int array of shape (N,)
        How many steps for each, from 0 to T.
    noise : array of shape (N, C, H, W)
        From a standard normal distribution.
    schedule : NoiseSchedule
        How much is left after each step.

    Raises
    ------
    ValueError
        If a time is out of range, or the noise has the wrong shape.

    Examples
    --------
    >>> x, noise = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 1, 2, 2), np.float32)
    >>> add_noise(x, np.array([100]), noise, cosine_schedule(200))[0, 0, 0].round(2)
    array([0.7, 0.7], dtype=float32)
    """
    if noise.shape != x.shape or t.shape != x.shape[:1]:
        raise ValueError(
            f"expected noise of shape {x.shape} and a time for each picture, "
            f"found {noise.shape} and {t.shape}"
        )
    if t.size and not 0 <= t.min() <= t.max() <= schedule.steps:
        raise ValueError(f"times must lie from 0 to {schedule.steps}, found {t.min()} to {t.max()}")
    left = schedule.alpha_bar[t][:, None, None, None]
    noisy: np.ndarray = (
        np.sqrt(left).astype(x.dtype) * x + np.sqrt(1 - left).astype(x.dtype) * noise
    )
    return noisy


def diffusion_gradients(
    model: UNet, images: np.ndarray, schedule: NoiseSchedule, batch_size: int, seed: int
) -> Callable[[int], float]:
    """Return the gradients that teach to predict the noise, for `dlcourse.training.descent`.

    Each picture of a batch is noised to a time of its own, and the loss is the mean squared
    difference of the noise that went in and the noise that the network sees (Ho et al. 2020,
    algorithm 1 and equation 14).

    Parameters
    ----------
    model : UNet
        What is trained.
    images : array of shape (N, C, H, W)
        Pictures to learn from, from 0 to 1.
    schedule : NoiseSchedule
        How noise is added.
    batch_size : int
        Pictures per step.
    seed : int
        What pictures, times and noise are drawn from.

    Examples
    --------
    >>> net = UNet((8, 16), rng=np.random.default_rng(0))
    >>> images = np.zeros((10, 1, 8, 8), np.float32)
    >>> gradients = diffusion_gradients(net, images, cosine_schedule(), batch_size=4, seed=0)
    >>> round(gradients(0))  # the network answers 0 at first, and noise has a variance of 1
    1
    """
    loss = MSELoss()
    model.skip_input_grad()

    def gradients(number: int) -> float:
        chosen = generator(seed, Stream.BATCH, number).integers(len(images), size=batch_size)
        x = 2 * images[chosen] - 1
        rng = generator(seed, Stream.NOISE, number)
        t = rng.integers(1, schedule.steps, size=batch_size, endpoint=True)
        model.start_training()
        noise = rng.standard_normal(x.shape, dtype=np.float32)
        value = loss(model(add_noise(x, t, noise, schedule), t), noise)
        model.backward(loss.backward())
        return value

    return gradients
