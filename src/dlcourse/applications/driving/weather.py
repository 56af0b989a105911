"""Weather: what light, haze, clouds and noise make of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcourse.applications.driving.labels import SIDE
from dlcourse.habits import explained


@dataclass(frozen=True)
class Weather:
    """How a picture's colours are changed; the defaults change nothing.

    Parameters
    ----------
    light : float
        Factor for the brightness of everything.
    tint : (float, float, float)
        Factors for red, green and blue.
    pale : float
        Share of the colours' difference from grey that is lost, from 0 to 1.
    haze : float
        Share of the light that comes from haze and not from the ground, from 0 to 1.
    clouds : float
        How much darker the darkest place under a cloud is, from 0 to 1.
    noise : float
        Standard deviation of the noise of each value, where white is 1.

    Examples
    --------
    >>> frame = np.full((96, 96, 3), 100, np.uint8)
    >>> dark = Weather(light=0.5).apply(frame, np.random.default_rng(0))
    >>> dark[0, 0]
    array([50, 50, 50], dtype=uint8)
    """

    light: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pale: float = 0.0
    haze: float = 0.0
    clouds: float = 0.0
    noise: float = 0.0

    @explained
    def apply(self, frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a picture (96, 96, 3) of uint8 as it looks in this weather.

        Parameters
        ----------
        frame : uint8 array of shape (96, 96, 3)
            A picture in clear weather.
        rng : numpy.random.Generator
            Draws the noise, and where the clouds are.
        """
        seen = frame.astype(np.float32) / np.float32(255)
        seen += self.pale * (seen.mean(axis=2, keepdims=True) - seen)
        seen *= np.asarray(self.tint, np.float32)
        if self.clouds:
            seen *= 1 - self.clouds * _shadow(rng)[:, :, None]
        seen = (1 - self.haze) * seen + self.haze * np.float32(0.8)
        seen *= self.light
        if self.noise:
            seen += self.noise * rng.standard_normal(seen.shape, dtype=np.float32)
        return (seen.clip(0, 1) * 255).round().astype(np.uint8)


# Weathers to test in. The network is trained in others, which `draw_weather` draws; no night is
# among those.
WEATHERS = {
    "clear": Weather(),
    "dusk": Weather(light=0.5, tint=(1.15, 0.9, 0.8), pale=0.3, noise=0.03),
    "fog": Weather(pale=0.6, haze=0.5, noise=0.03),
    "clouds": Weather(clouds=0.6, noise=0.02),
    "storm": Weather(light=0.7, tint=(0.85, 0.95, 1.2), pale=0.7, haze=0.3, clouds=0.5, noise=0.06),
    "night": Weather(light=0.2, tint=(0.8, 0.9, 1.2), pale=0.5, noise=0.05),
}


@explained
def draw_weather(rng: np.random.Generator) -> Weather:
    """Return some weather to train in: each of its numbers is drawn on its own.

    Examples
    --------
    >>> draw_weather(np.random.default_rng(0)).light < 1.2
    True
    """
    red, green, blue = rng.uniform(0.75, 1.25, 3)
    return Weather(
        light=float(rng.uniform(0.4, 1.2)),
        tint=(float(red), float(green), float(blue)),
        pale=float(rng.uniform(0, 0.8)),
        haze=float(rng.uniform(0, 0.6)),
        clouds=float(rng.uniform(0, 0.7)),
        noise=float(rng.uniform(0, 0.08)),
    )


def _shadow(rng: np.random.Generator) -> np.ndarray:
    """Darkness from 0 to 1 at each pixel, (96, 96): waves across the picture, of some direction."""
    place = np.arange(SIDE, dtype=np.float32) / SIDE
    total = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(4):
        down, right, phase = rng.uniform((-12, -12, 0), (12, 12, 2 * np.pi))
        total += np.sin(np.float32(down) * place[:, None] + np.float32(right) * place + phase)
    shadow: np.ndarray = 1 / (1 + np.exp(-2 * total))
    return shadow
