"""Convolution and its gradients, on arrays (N, C, H, W) that lie in memory as (N, H, W, C).

What lies otherwise is copied. Windows may have any stride, padding and dilation, and channels any
number of groups; with one group for each channel there are loops of their own.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any, Protocol

import numpy as np

from dlcourse.kernels import output_size
from dlcourse.native.calls import Kernel
from dlcourse.native.pooling import max_pool

_conv = Kernel("conv", "anaaaaannab", may_fail=True)
_input_grad = Kernel("conv_input_grad", "anaaaa", may_fail=True)
_weight_grad = Kernel("conv_weight_grad", "anaa", may_fail=True)
_depthwise_grad = Kernel("conv_depthwise_grad", "anaa", may_fail=True)
_grads = Kernel("conv_grads", "anaaaaaa", may_fail=True)
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
        """Rows and columns of zeros at each side."""

    @property
    def dilation(self) -> Pair:
        """Steps between the positions inside a window."""


def conv(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    windows: Windows,
    groups: int = 1,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Convolve: every output value is the product of a patch and a kernel, plus a bias.

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
    threads : int
        How many threads share the work, where it is large. This changes no bit.

    Returns
    -------
    array of shape (N, O, OH, OW)

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> x = np.array([-1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    >>> pairs = SimpleNamespace(stride=(1, 1), padding=(0, 1), dilation=(1, 1))
    >>> conv(x, np.ones((1, 1, 1, 2)), np.array([0.5]), pairs)
    array([[[[-0.5,  1.5,  5.5,  3.5]]]])
    """
    return conv_norm_relu(x, weight, bias, windows, groups, threads=threads)[0]


def conv_norm_relu(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    windows: Windows,
    groups: int = 1,
    *,
    scale: np.ndarray | None = None,
    shift: np.ndarray | None = None,
    plus: np.ndarray | None = None,
    relu: bool = False,
    relu6: bool = False,
    keep: bool = True,
    pool: bool = False,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Convolve, and do what layers behind it would do before the output is written.

    Parameters
    ----------
    x, weight, bias, windows, groups, threads
        As in `conv`.
    scale, shift : arrays of shape (O,), optional
        What each output channel is multiplied with, and what is then added.
    plus : array of shape (N, O, OH, OW), optional
        What is then added to each value.
    relu, relu6 : bool
        Whether what is not above zero then becomes zero, and what is above 6 becomes 6.
    keep : bool
        Whether the mask for the way back is wanted.
    pool : bool
        Whether what is returned is the largest value of each 2x2 of all that, without `plus` and
        `keep`.

    Returns
    -------
    y : array of shape (N, O, OH, OW), or (N, O, OH // 2, OW // 2) with `pool`
    kept : array of bool of the same shape, or None if there is none
        Where the gradient passes: what `relu_grad` needs.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> x, one = np.array([-1.0, 2.0]).reshape(1, 1, 1, 2), np.ones(1)
    >>> pairs = SimpleNamespace(stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    >>> conv_norm_relu(
    ...     x, np.ones((1, 1, 1, 1)), None, pairs, scale=10 * one, shift=one, relu=True
    ... )
    (array([[[[ 0., 21.]]]]), array([[[[False,  True]]]]))
    """
    struct, shape = _convolution(x.shape, weight.shape, _pairs(windows), groups)
    pairs = shape[1] // 2, shape[2] // 2
    y = np.empty((shape[0], *pairs, shape[3]) if pool else shape, x.dtype)
    kept = np.empty(shape, bool) if keep and (relu or relu6) else None
    images = y.transpose(0, 3, 1, 2)
    if plus is not None and plus.shape != images.shape:
        raise ValueError(f"expected plus of shape {images.shape}, found {plus.shape}")
    unable = _conv(
        *(_last(x), ctypes.addressof(struct), _contiguous(weight)),
        _numbers("bias", bias, shape[3], x.dtype),
        _numbers("scale", scale, shape[3], x.dtype),
        _numbers("shift", shift, shape[3], x.dtype),
        None if plus is None else _last(plus),
        *(6 if relu6 else int(relu), pool, y, kept),
        threads=threads,
    )
    if unable:
        behind: dict[str, Any] = {"scale": scale, "shift": shift, "relu": relu, "relu6": relu6}
        whole, _ = conv_norm_relu(x, weight, bias, windows, groups, **behind, threads=threads)
        return max_pool(whole, (2, 2), (2, 2), (0, 0), pairs)[0], None
    return images, None if kept is None else kept.transpose(0, 3, 1, 2)


def conv_input_grad(
    dy: np.ndarray,
    weight: np.ndarray,
    size: Shape,
    windows: Windows,
    groups: int = 1,
    bias: np.ndarray | None = None,
    *,
    threads: int = 1,
) -> np.ndarray:
    """Return the gradient with respect to the input, of shape `size` (N, C, H, W).

    Parameters
    ----------
    dy : array of shape (N, O, OH, OW)
        The gradient with respect to the output.
    weight, windows, groups, threads
        As in `conv`.
    size : (int, int, int, int)
        The shape of the input.
    bias : array of shape (C,), optional
        Added to each channel: so this is also a transposed convolution.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> apart = SimpleNamespace(stride=(1, 2), padding=(0, 0), dilation=(1, 1))
    >>> dy = np.array([1.0, 2.0]).reshape(1, 1, 1, 2)
    >>> conv_input_grad(dy, np.array([[[[1.0, 10.0]]]]), (1, 1, 1, 4), apart)
    array([[[[ 1., 10.,  2., 20.]]]])
    """
    n, c, h, w = size
    struct, shape = _convolution(size, weight.shape, _pairs(windows), groups)
    dx = np.empty((n, h, w, c), dy.dtype)
    gradients, kernels, added = (
        _last(dy, shape),
        _contiguous(weight),
        _numbers("bias", bias, c, dy.dtype),
    )
    _input_grad(gradients, ctypes.addressof(struct), kernels, added, None, dx, threads=threads)
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
    """Return the gradient with respect to the weights, of `shape` (O, C / groups, KH, KW).

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images of the forward pass.
    dy : array of shape (N, O, OH, OW)
        The gradient with respect to the output.
    shape : (int, int, int, int)
        The shape of the weights.
    windows, groups, threads
        As in `conv`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> pairs = SimpleNamespace(stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    >>> x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    >>> conv_weight_grad(x, np.ones((1, 1, 1, 2)), (1, 1, 1, 2), pairs)
    array([[[[3., 5.]]]])
    """
    struct, out = _convolution(x.shape, shape, _pairs(windows), groups)
    dw = np.empty(shape, dy.dtype)
    depthwise = groups > 1 and shape[:2] == (groups, 1)
    kernel = _depthwise_grad if depthwise else _weight_grad
    images, gradients = _last(x), _last(dy, out)
    kernel(images, ctypes.addressof(struct), gradients, dw, threads=threads)
    return dw


def conv_grads(
    x: np.ndarray,
    dy: np.ndarray,
    weight: np.ndarray,
    windows: Windows,
    groups: int = 1,
    *,
    bias: bool = True,
    input_grad: bool = True,
    plus: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return the gradients of weights, bias and input, each as by itself, in a single call.

    Parameters
    ----------
    x, dy, weight, windows, groups, threads
        As in `conv_weight_grad` and `conv_input_grad`.
    bias, input_grad : bool
        Whether there is a bias, and whether the gradient of the input is wanted; else it is None.
    plus : array of shape (N, C, H, W), optional
        Added to the gradient of the input.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> pairs = SimpleNamespace(stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    >>> x, one = np.array([1.0, 2.0]).reshape(1, 1, 1, 2), np.ones((1, 1, 1, 1))
    >>> conv_grads(x, np.ones((1, 1, 1, 2)), 3 * one, pairs)
    (array([[[[3.]]]]), array([2.]), array([[[[3., 3.]]]]))
    """
    struct, out = _convolution(x.shape, weight.shape, _pairs(windows), groups)
    n, c, h, w = x.shape
    dw, db = np.empty(weight.shape, dy.dtype), np.empty(out[3], dy.dtype) if bias else None
    dx = np.empty((n, h, w, c), dy.dtype) if input_grad else None
    images, gradients, kernels = _last(x), _last(dy, out), _contiguous(weight)
    if plus is not None and plus.shape != x.shape:
        raise ValueError(f"expected plus of shape {x.shape}, found {plus.shape}")
    added = None if plus is None else _last(plus)
    where = ctypes.addressof(struct), gradients, kernels, added
    _grads(images, *where, dw, db, dx, threads=threads)
    return dw, db, None if dx is None else dx.transpose(0, 3, 1, 2)


def channel_sum(dy: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Return the sum (O,) over images and pixels of `dy` (N, O, OH, OW): the gradient of a bias.

    Examples
    --------
    >>> channel_sum(np.arange(8.0).reshape(1, 2, 2, 2))
    array([ 6., 22.])
    """
    rows = _last(dy)
    total = np.empty(dy.shape[1], dy.dtype)
    _channel_sum(rows, rows.size // total.size, total.size, total, threads=threads)
    return total


class _Convolution(ctypes.Structure):
    """The struct `convolution` in ``sliding.h``."""

    _fields_ = tuple(
        (name, ctypes.c_ssize_t)
        for name in (
            *("images", "channels", "height", "width", "outputs", "out_height", "out_width"),
            *("rows", "columns", "stride_y", "stride_x", "padding_y", "padding_x"),
            *("dilation_y", "dilation_x", "groups"),
        )
    )


def _pairs(windows: Windows) -> tuple[Pair, Pair, Pair]:
    return windows.stride, windows.padding, windows.dilation


@functools.lru_cache(1024)
def _convolution(
    size: Shape, shape: Shape, pairs: tuple[Pair, Pair, Pair], groups: int
) -> tuple[_Convolution, Shape]:
    """Return the struct for images of `size` and weights of `shape`, and the output in memory."""
    stride, padding, dilation = pairs
    if size[1] != shape[1] * groups or shape[0] % groups:
        raise ValueError(f"weights of {shape} in {groups} groups do not fit images of {size}")
    (height, width), kernel = size[2:], shape[2:]
    out = output_size((height, width), (kernel[0], kernel[1]), stride, padding, dilation)
    struct = _Convolution(*size, shape[0], *out, *shape[2:], *stride, *padding, *dilation, groups)
    return struct, (size[0], *out, shape[0])


def _last(x: np.ndarray, expected: Shape | None = None) -> np.ndarray:
    """Return `x` with its channels last, contiguous in memory; in that order it has this shape."""
    x = x.transpose(0, 2, 3, 1)
    if expected is not None and x.shape != expected:
        raise ValueError(f"expected a gradient of (N, OH, OW, O) {expected}, found {x.shape}")
    return _contiguous(x)


def _numbers(
    name: str, given: np.ndarray | None, channels: int, dtype: np.dtype
) -> np.ndarray | None:
    """Return a number for each channel, if there are any, contiguous and in this dtype."""
    if given is None:
        return None
    if given.shape != (channels,):
        raise ValueError(f"expected a {name} of shape {(channels,)}, found {given.shape}")
    return _contiguous(given, dtype)
