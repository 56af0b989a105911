"""From real numbers to int8 and back: grids of 256 steps, for weights and for activations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from dlcourse.backend import Array, array_module


@dataclass(frozen=True)
class Grid:
    """The 256 real numbers ``scale * (q - zero_point)`` that int8 values q stand for.

    Jacob et al. (2018), equation 1. Zero is one of them, so that padding is exact.

    Attributes
    ----------
    scale : float
        The step between neighbours.
    zero_point : int
        Which q, from -128 to 127, stands for 0.

    Examples
    --------
    >>> grid = Grid.over(0.0, 1.0)
    >>> grid.zero_point, grid.quantize(np.array([-1.0, 0.0, 0.5, 1.0, 9.0]))
    (-128, array([-128, -128,   -1,  127,  127], dtype=int8))
    >>> grid.dequantize(np.array([-1], np.int8)).round(4)
    array([0.498], dtype=float32)
    """

    scale: float
    zero_point: int

    @classmethod
    def over(cls, low: float, high: float) -> Self:
        """Return the grid that spans from `low` to `high`, widened to hold zero."""
        low, high = min(low, 0.0), max(high, 0.0)
        if not math.isfinite(high - low):
            raise ValueError(f"expected a finite range of values, found {low} to {high}")
        # Rounded to float32, so that it comes back unchanged from a file.
        scale = float(np.float32((high - low) / 255)) or 1.0
        return cls(scale, round(-128 - low / scale))

    @classmethod
    def calibrated(cls, x: Array, percentile: float = 100.0) -> Self:
        """Return the grid for values like those of an array.

        Parameters
        ----------
        x : array
            What a layer gives for typical images.
        percentile : float
            100 spans all values, from the least to the largest. Less cuts off some values at
            either end, 99.9 one in a thousand: these are clipped, and the step is finer for all
            others.
        """
        if not 50 < percentile <= 100:
            raise ValueError(f"percentile must be above 50 and at most 100, found {percentile}")
        with np.errstate(invalid="ignore"):  # `over` checks for infinities
            low, high = array_module(x).percentile(x, [100 - percentile, percentile])
        return cls.over(float(low), float(high))

    def quantize(self, x: Array) -> Array:
        """Return the nearest int8 values for real numbers; what is off the grid is clipped."""
        xp = array_module(x)
        q = xp.rint(x / self.scale)
        q += self.zero_point
        return xp.clip(q, -128, 127, out=q).astype(np.int8)

    def dequantize(self, q: Array) -> Array:
        """Return the real numbers that int8 values stand for, float32."""
        return (q.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


def quantize_weights(weight: Array, least: Array | float = 0.0) -> tuple[Array, Array]:
    """Round weights to int8 with a scale for each output channel; 0 stays 0.

    ``weight[o] = scale[o] * q[o]`` up to half a step, with q from -127 to 127. One scale for all
    channels would suit the channel with the largest weight, and leave the others few steps.

    Parameters
    ----------
    weight : array of shape (O, ...)
        Those of a convolution or a linear layer.
    least : float or array of shape (O,)
        No scale is smaller than this.

    Returns
    -------
    int8 array of shape (O, ...), float32 array of shape (O,)

    Examples
    --------
    >>> q, scale = quantize_weights(np.array([[1.27, -0.5], [0.01, 0.0]], np.float32))
    >>> q
    array([[127, -50],
           [127,   0]], dtype=int8)
    >>> scale.round(6)
    array([1.0e-02, 7.9e-05], dtype=float32)
    """
    xp = array_module(weight)
    rows = weight.reshape(len(weight), -1)
    scale = xp.maximum(abs(rows).max(axis=1) / 127, least).astype(np.float32)
    scale[scale == 0] = 1  # a channel of zeros
    return xp.rint(rows / scale[:, None]).astype(np.int8).reshape(weight.shape), scale
