"""Drawing from a diffusion model: from noise to a picture, step by step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dlcourse.applications.generation.diffusion import NoiseSchedule
from dlcourse.habits import explained
from dlcourse.models import UNet


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
    x, twin = noise, model.for_inference()
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
    x, twin = noise, model.for_inference()
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
    >>> from dlcourse.applications.generation import cosine_schedule
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
