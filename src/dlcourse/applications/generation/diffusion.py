"""Diffusion: learn to take a little noise away, and a picture can be made of noise alone.

Sohl-Dickstein et al. 2015; here as in Ho et al. 2020 (DDPM), with the fewer steps of Song et al.
2021 (DDIM). The values of pictures lie between -1 and 1, as those of noise lie around 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dlcourse.habits import explained
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


class Denoised(NamedTuple):
    """Where a picture has got to on its way out of the noise."""

    t: int  #: how many steps of noise are still in it
    x: np.ndarray  #: the noisy pictures
    guess: np.ndarray  #: what the network takes them for, without any noise


@explained
def ddpm_path(
    model: UNet, noise: np.ndarray, schedule: NoiseSchedule, rng: np.random.Generator
) -> Iterator[Denoised]:
    """Go back step by step, with a little new noise after each but the last.

    This is algorithm 2 of Ho et al. (2020).

    The noise that the network sees gives a guess of the picture. The next x is drawn from the
    normal distribution that follows from x and the guess (equations 6 and 7).

    Parameters
    ----------
    model : UNet
        Predicts the noise.
    noise : array of shape (N, C, H, W)
        What to begin with, from a standard normal distribution.
    schedule : NoiseSchedule
        The one the network was trained with.
    rng : numpy.random.Generator
        Draws the new noise.

    Yields
    ------
    Denoised
        After each of the T steps; the last one, with t = 0, has the finished pictures.
    """
    x, twin = noise, model.replica().eval()
    for t in range(schedule.steps, 0, -1):
        guess, _ = _guess(twin, x, t, schedule)
        # Python's floats do not change the dtype of x.
        left, left_before = map(float, schedule.alpha_bar[[t, t - 1]])
        alpha = left / left_before
        to_guess = math.sqrt(left_before) * (1 - alpha) / (1 - left)
        to_x = math.sqrt(alpha) * (1 - left_before) / (1 - left)
        x = to_guess * guess + to_x * x
        if t > 1:
            deviation = math.sqrt((1 - left_before) / (1 - left) * (1 - alpha))
            x += deviation * rng.standard_normal(x.shape, dtype=x.dtype)
        yield Denoised(t - 1, x, guess)


def ddim_path(
    model: UNet, noise: np.ndarray, schedule: NoiseSchedule, steps: int
) -> Iterator[Denoised]:
    """Go back in a few large steps, with no new noise (Song et al. 2021, equation 12, sigma 0).

    The guess of the picture and the noise that the network sees are put together again, in the
    shares that belong to an earlier time. So the first noise decides the picture.

    Parameters
    ----------
    model, noise, schedule
        As for `ddpm_path`.
    steps : int
        How many steps, from 1 to T.

    Yields
    ------
    Denoised
        After each step; the last one, with t = 0, has the finished pictures.

    Raises
    ------
    ValueError
        If there are more steps than the schedule has, or none.
    """
    if not 1 <= steps <= schedule.steps:
        raise ValueError(f"steps must lie from 1 to {schedule.steps}, found {steps}")
    times = np.linspace(schedule.steps, 0, steps + 1).round().astype(int)
    x, twin = noise, model.replica().eval()
    for t, earlier in itertools.pairwise(times):
        guess, seen = _guess(twin, x, int(t), schedule)
        left = schedule.alpha_bar[earlier]
        x = math.sqrt(left) * guess + math.sqrt(1 - left) * seen
        yield Denoised(int(earlier), x, guess)


@explained
def sample_diffusion(
    model: UNet,
    schedule: NoiseSchedule,
    count: int,
    rng: np.random.Generator,
    steps: int | None = None,
    shape: Sequence[int] = (1, 28, 28),
    batch_size: int = 50,
) -> np.ndarray:
    """Return new pictures, from 0 to 1.

    Parameters
    ----------
    model : UNet
        Predicts the noise.
    schedule : NoiseSchedule
        The one the network was trained with.
    count : int
        How many pictures N.
    rng : numpy.random.Generator
        Draws the noise.
    steps : int, optional
        This many steps of `ddim_path`; all of `ddpm_path` if left out.
    shape : sequence of int
        Of one picture, (C, H, W).
    batch_size : int
        At most this many pass through the network at a time.

    Returns
    -------
    array of shape (N, C, H, W)

    Examples
    --------
    >>> net = UNet((8, 16), rng=np.random.default_rng(0))
    >>> sample_diffusion(net, cosine_schedule(), 3, np.random.default_rng(0), steps=2).shape
    (3, 1, 28, 28)
    """
    parts = [np.empty((0, *shape), np.float32)]
    for first in range(0, count, batch_size):
        noise = rng.standard_normal((min(batch_size, count - first), *shape), dtype=np.float32)
        if steps is None:
            path = ddpm_path(model, noise, schedule, rng)
        else:
            path = ddim_path(model, noise, schedule, steps)
        *_, last = path
        parts.append(np.clip((last.x + 1) / 2, 0, 1))
    return np.concatenate(parts)


def _guess(
    model: UNet, x: np.ndarray, t: int, schedule: NoiseSchedule
) -> tuple[np.ndarray, np.ndarray]:
    """What the pictures are without the noise that the network sees, and that noise.

    No picture has values beyond -1 and 1, so the guess is cut off there; the noise is then
    what remains.
    """
    left = schedule.alpha_bar[t]
    seen = model(x, np.full(len(x), t))
    guess = np.clip((x - math.sqrt(1 - left) * seen) / math.sqrt(left), -1, 1)
    return guess, (x - math.sqrt(left) * guess) / math.sqrt(1 - left)
