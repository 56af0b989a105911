"""Initial weights whose spread follows from the shape of the layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlcourse import habits

#: The dtypes that weights can be drawn in.
Float = type[np.float32] | type[np.float64]


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs feed one output of a layer, and how many outputs one input feeds.

    The same numbers as torch's ``_calculate_fan_in_and_fan_out``.

    Parameters
    ----------
    shape : tuple of int
        The shape of the weight: (O, I) of a linear layer, ``(O, I, *kernel)`` of a convolution. A
        grouped convolution has the inputs of one group as its I.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.

    Examples
    --------
    >>> fan_in_and_fan_out((16, 3, 5, 5))
    (75, 400)
    """
    if len(shape) < 2:
        raise ValueError(
            f"a fan needs a weight of shape (out, in, *kernel), found {tuple(shape)}; "
            "initialise biases and scales with constants"
        )
    outputs, inputs, *kernel = shape
    receptive_field = math.prod(kernel)
    return inputs * receptive_field, outputs * receptive_field


@habits.explained
def he_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: Float = np.float32
) -> np.ndarray:
    """Draw weights from a normal distribution of standard deviation sqrt(2 / fan_in).

    ReLU lets half of its input's second moment through; the 2 makes up for that, so the signal
    keeps its size from layer to layer (He et al. 2015, equation 10). Torch calls this
    ``kaiming_normal_`` with ``nonlinearity="relu"``.

    Parameters
    ----------
    shape : tuple of int
        ``(out, in, *kernel)``, see `fan_in_and_fan_out`.
    rng : numpy.random.Generator
        Where the random numbers come from.
    dtype : type
        ``np.float32`` or ``np.float64``.

    Examples
    --------
    >>> w = he_normal((100, 50), np.random.default_rng(0))
    >>> w.dtype, round(float(w.std()), 2)  # sqrt(2 / 50) = 0.2
    (dtype('float32'), 0.2)
    """
    fan_in, _ = fan_in_and_fan_out(shape)
    return _normal(shape, 2.0 / fan_in, rng, dtype)


@habits.explained
def xavier_normal(
    shape: tuple[int, ...], rng: np.random.Generator, dtype: Float = np.float32
) -> np.ndarray:
    """Draw weights from a normal distribution of standard deviation sqrt(2 / (fan_in + fan_out)).

    A compromise that roughly preserves the size of both the signal and its gradient where the
    activation is about linear, as tanh is near zero (Glorot & Bengio 2010, equation 12). The
    parameters are those of `he_normal`.

    Examples
    --------
    >>> w = xavier_normal((100, 100), np.random.default_rng(0))
    >>> round(float(w.std()), 2)  # sqrt(2 / 200) = 0.1
    0.1
    """
    return _normal(shape, 2.0 / sum(fan_in_and_fan_out(shape)), rng, dtype)


def bilinear(channels: int, factor: int) -> np.ndarray:
    """Return weights with which a `ConvTranspose2d` enlarges each channel by linear interpolation.

    The kernel is ``2 * factor - factor % 2`` wide, for a stride of `factor` and a padding of
    ``(factor - factor % 2) // 2`` (Long et al. 2015, section 3.3, and the code that comes with it).
    Channels are not mixed.

    Parameters
    ----------
    channels : int
        Channels C in and out.
    factor : int
        How many times larger the image becomes.

    Returns
    -------
    array of shape (C, C, K, K), float32

    Examples
    --------
    >>> bilinear(1, 2)[0, 0, 0]  # 0.25 times 0.25, 0.75, 0.75, 0.25
    array([0.0625, 0.1875, 0.1875, 0.0625], dtype=float32)
    """
    size = 2 * factor - factor % 2
    distance = np.abs(np.arange(size) - (size - 1) / 2)
    line = 1 - distance / factor
    weights = np.zeros((channels, channels, size, size), np.float32)
    weights[range(channels), range(channels)] = np.outer(line, line)
    return weights


def _normal(
    shape: tuple[int, ...], variance: float, rng: np.random.Generator, dtype: Float
) -> np.ndarray:
    weights = rng.standard_normal(shape, dtype=dtype)
    weights *= math.sqrt(variance)  # in place: the largest layers take hundreds of megabytes
    return weights


_HINTS = {
    **{
        f"{torch}_{kind}_": f"write layer.weight.data[...] = {ours}_normal(layer.weight.shape, rng)"
        for torch, ours in (("kaiming", "he"), ("xavier", "xavier"))
        for kind in ("normal", "uniform")
    },
    "eye_": "write parameter.data[...] = np.eye(*parameter.shape)",
    "calculate_gain": "he_normal has ReLU's in it; multiply by another, layer.weight.data *= gain",
    "zeros_": "write parameter.data[...] = 0",
    "ones_": "write parameter.data[...] = 1",
    "constant_": "write parameter.data[...] = value",
    "normal_": "write parameter.data[...] = rng.normal(mean, std, parameter.shape)",
    "uniform_": "write parameter.data[...] = rng.uniform(low, high, parameter.shape)",
    "trunc_normal_": "write parameter.data[...] = rng.normal(mean, std, parameter.shape)",
}
if not TYPE_CHECKING:
    __getattr__ = habits.absent(__name__, _HINTS)
