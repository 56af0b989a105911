"""What every rung does first: check its arguments, and put zeros around the images."""

from __future__ import annotations

import numpy as np

from dlcourse.kernels import output_size
from dlcourse.nn.kernels.windows import pad, pair


def check(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: int,
    padding: int,
) -> tuple[int, int]:
    """Return how many windows fit, down and across.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride, padding : int
        Steps between windows, and the border of zeros.

    Returns
    -------
    (int, int)

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit together, or no window fits.

    Examples
    --------
    >>> check(np.ones((1, 2, 5, 5)), np.ones((3, 2, 3, 3)), None, stride=2, padding=1)
    (3, 3)
    """
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ValueError(
            "expected x of shape (N, C, H, W) and weight of shape (O, C, KH, KW) with the same C, "
            f"found {x.shape} and {weight.shape}"
        )
    if bias is not None and bias.shape != (len(weight),):
        raise ValueError(f"bias must have shape ({len(weight)},), found {bias.shape}")
    dtypes = {a.dtype for a in (x, weight, bias) if a is not None}
    if len(dtypes) > 1 or x.dtype.kind != "f":
        names = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(
            f"x, weight and bias must have one floating-point dtype, found {names}; "
            "convert them with astype"
        )
    kernel = (weight.shape[2], weight.shape[3])
    steps, border = pair(stride, "stride", least=1), pair(padding, "padding")
    return output_size(x.shape[2:], kernel, steps, border)


def channels_first(x: np.ndarray, padding: int) -> np.ndarray:
    """Return the images with a border of zeros, (N, C, H + 2 padding, W + 2 padding).

    Examples
    --------
    >>> channels_first(np.ones((1, 2, 5, 4)), 1).shape
    (1, 2, 7, 6)
    """
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def channels_last(x: np.ndarray, padding: int) -> np.ndarray:
    """Return the images with a border of zeros, (N, H + 2 padding, W + 2 padding, C).

    Nothing is copied if there is no border and `x` lies in memory in this order.

    Examples
    --------
    >>> channels_last(np.ones((1, 2, 5, 4)), 1).shape
    (1, 7, 6, 2)
    """
    return np.ascontiguousarray(pad(x, (padding, padding)).transpose(0, 2, 3, 1))


def only_stride_1(stride: int, method: str) -> None:
    """Raise a ValueError if `stride` is not 1.

    Examples
    --------
    >>> only_stride_1(1, "conv_fft")
    """
    if stride != 1:
        raise ValueError(
            f"{method} has a stride of 1 only, found {stride}; take conv_im2col for others"
        )
