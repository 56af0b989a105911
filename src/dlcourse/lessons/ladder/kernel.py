"""Rung 9: a kernel in C that keeps a tile of sums in registers, and the rungs that lead to it."""

from __future__ import annotations

import ctypes

import numpy as np

from dlcourse.lessons.ladder.arguments import channels_last, check, only_stride_1
from dlcourse.lessons.ladder.building import build, lanes, registers
from dlcourse.lessons.ladder.tiles import Core, choose


def conv_kernel(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
) -> np.ndarray:
    """Convolve by a kernel in C, compiled at the first call (Georganas et al. 2018).

    No patches are made. A tile of sums, of several pixels and outputs, stays in registers while
    the windows are read, and each value that is loaded serves several of them.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images, float32 or float64; best in memory as (N, H, W, C), or they are copied.
    weight : array of shape (O, C, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    stride : int
        1.
    padding : int
        Border of zeros.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O).

    Raises
    ------
    RuntimeError
        If there is no C compiler.

    Examples
    --------
    >>> conv_kernel(np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)))  # doctest: +SKIP
    array([[[[8., 8.],
             [8., 8.]]]])
    """
    only_stride_1(stride, "conv_kernel")
    _, ow = check(x, weight, bias, stride, padding)
    outputs = len(weight)
    p, q = choose(ow, outputs, Core(registers(), lanes(x.dtype)))
    # What is added to fill the last registers is computed with weights of zero and thrown away.
    extra = -outputs % (q * lanes(x.dtype))
    weights = np.pad(weight.transpose(2, 3, 1, 0), ((0, 0), (0, 0), (0, 0), (0, extra)))
    biases = np.zeros(outputs + extra, x.dtype)
    biases[:outputs] = 0 if bias is None else bias
    y = convolve("tile", channels_last(x, padding), aligned(weights), biases, P=p, Q=q)
    return y[..., :outputs].transpose(0, 3, 1, 2)


def aligned(values: np.ndarray) -> np.ndarray:
    """Return a copy that begins at a line of the cache, which vectors then do not straddle.

    Examples
    --------
    >>> aligned(np.ones((3, 2), np.float32)).ctypes.data % 64
    0
    """
    memory = np.empty(values.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


def convolve(
    name: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, **sizes: int
) -> np.ndarray:
    """Call a rung in C, with everything as it lies in memory.

    Parameters
    ----------
    name : str
        ``loops``, ``reordered``, ``register`` or ``tile``.
    x : array of shape (N, OH + KH - 1, OW + KW - 1, C)
        The images with their border of zeros, float32 or float64.
    weight : array of shape (KH, KW, C, O)
        The kernels; ``register`` and ``tile`` want as many outputs as fill registers.
    bias : array of shape (O,)
        Added to each output channel.
    **sizes : int
        ``P``, ``Q`` and, if they are known, ``CHANNELS`` of a tile.

    Returns
    -------
    array of shape (N, OH, OW, O)

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit together, or the tile does not fit the image.
    RuntimeError
        If there is no C compiler.
    """
    n, h, w, c = x.shape
    kh, kw, inputs, o = weight.shape
    oh, ow = h - kh + 1, w - kw + 1
    if inputs != c or bias.shape != (o,) or len({x.dtype, weight.dtype, bias.dtype}) > 1:
        raise ValueError(
            "expected x (N, H, W, C), weight (KH, KW, C, O) and bias (O,) of one dtype, found "
            f"{x.shape}, {weight.shape} and {bias.shape} of {x.dtype}, {weight.dtype}, {bias.dtype}"
        )
    p, block = sizes.get("P", 1), sizes.get("Q", 1) * lanes(x.dtype)
    if name in ("register", "tile") and (o % block or not 0 < p <= ow):
        raise ValueError(
            f"a tile of {p} pixels and {block} outputs does not fit rows of {ow} pixels "
            f"with {o} outputs"
        )
    y = np.empty((n, oh, ow, o), x.dtype)
    arrays = [np.ascontiguousarray(array) for array in (x, weight, bias)]
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, y)]
    build(name, x.dtype, **sizes).conv(*pointers, *map(ctypes.c_ssize_t, (n, oh, ow, c, kh, kw, o)))
    return y
