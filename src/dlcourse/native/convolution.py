"""Convolution and its gradients, on arrays (N, C, H, W) that lie in memory as (N, H, W, C).

What lies otherwise is copied. There are kernels for any stride, padding, dilation and groups.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Protocol

import numpy as np

from dlcourse.native.calls import Kernel

_conv = Kernel("conv", "anaana", may_fail=True)
_input_grad = Kernel("conv_input_grad", "anaaa", may_fail=True)
_weight_grad = Kernel("conv_weight_grad", "anaa", may_fail=True)
_depthwise_grad = Kernel("conv_depthwise_grad", "anaa", may_fail=True)
_channel_sum = Kernel("channel_sum", "anna", may_fail=True)

_contiguous = np.ascontiguousarray

Shape = tuple[int, ...]
Pair = tuple[int, int]


class Windows(Protocol):
    """How windows lie on an image; all in (height, width)."""

    @property
    def stride(self) -> Pair:
        """Steps between windows."""

    @property
    def padding(self) -> Pair:
        """Zeros around the image."""

    @property
    def dilation(self) -> Pair:
        """Steps between the positions inside a window."""


class _Convolution(ctypes.Structure):
    """The struct `convolution` in ``windows.h``."""

    _fields_ = tuple(
        (name, ctypes.c_ssize_t)
        for name in (
            *("images", "channels", "height", "width", "outputs", "out_height", "out_width"),
            *("rows", "columns", "stride_y", "stride_x", "padding_y", "padding_x"),
            *("dilation_y", "dilation_x", "groups"),
        )
    )


@functools.lru_cache(1024)
def _convolution(size: Shape, weight: Shape, windows: Windows, groups: int) -> tuple[_Convolution, Shape]:
    """Return the struct of a convolution, and the shape of its output in memory."""
    n, _, h, w = size
    out = [
        (size[2 + i] + 2 * windows.padding[i] - windows.dilation[i] * (weight[2 + i] - 1) - 1)
        // windows.stride[i]
        + 1
        for i in (0, 1)
    ]
    numbers = (
        *(*size, weight[0], *out, *weight[2:]),
        *(*windows.stride, *windows.padding, *windows.dilation, groups),
    )
    return _Convolution(*numbers), (n, *out, weight[0])


def conv(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    windows: Windows,
    groups: int = 1,
    *,
    relu: bool = False,
    threads: int = 1,
) -> np.ndarray:
    """Return the convolution (N, O, OH, OW), if asked for with what is below zero set to zero.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    weight : array of shape (O, C / groups, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    windows : Windows
        How they lie.
    groups : int
        Channels are split into this many groups that do not see each other.
    relu : bool
        Whether a ReLU follows.
    threads : int
        How many threads share the work, where it is large. This changes no bit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> windows = SimpleNamespace(stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    """
    struct, shape = _convolution(x.shape, weight.shape, windows, groups)
    y = np.empty(shape, x.dtype)
    arrays = [_contiguous(weight), None if bias is None else _contiguous(bias)]
    _conv(_last(x), ctypes.addressof(struct), *arrays, relu, y, threads=threads)
    return y.transpose(0, 3, 1, 2)


def conv_input_grad(
    dy: np.ndarray,
    weight: np.ndarray,
    size: Shape,
    windows: Windows,
    groups: int = 1,
    *,
    bias: np.ndarray | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Return the gradient with respect to the input, of shape `size` (N, C, H, W).

    With a bias (C,), which is added to each channel, it is a transposed convolution.
    """
    n, c, h, w = size
    struct, _ = _convolution(size, weight.shape, windows, groups)
    dx = np.empty((n, h, w, c), dy.dtype)
    arrays = [_contiguous(weight), None if bias is None else _contiguous(bias)]
    _input_grad(_last(dy), ctypes.addressof(struct), *arrays, dx, threads=threads)
    return dx.transpose(0, 3, 1, 2)


def conv_weight_grad(
    x: np.ndarray,
    dy: np.ndarray,
    shape: Shape,
    windows: Windows,
    groups: int = 1,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Return the gradient with respect to the weights, of `shape` (O, C / groups, KH, KW)."""
    struct, _ = _convolution(x.shape, shape, windows, groups)
    dw = np.empty(shape, dy.dtype)
    kernel = _depthwise_grad if groups > 1 and shape[:2] == (groups, 1) else _weight_grad
    kernel(_last(x), ctypes.addressof(struct), _last(dy), dw, threads=threads)
    return dw


def channel_sum(dy: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Return the sum (O,) over images and pixels of `dy` (N, O, OH, OW)."""
    rows = _last(dy)
    total = np.empty(dy.shape[1], dy.dtype)
    _channel_sum(rows, rows.size // len(total), len(total), total, threads=threads)
    return total


def _last(x: np.ndarray) -> np.ndarray:
    """Return `x` with its channels last, contiguous in memory."""
    return _contiguous(x.transpose(0, 2, 3, 1))
