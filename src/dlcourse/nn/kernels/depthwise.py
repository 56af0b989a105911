"""Depthwise convolution: each channel has a kernel of its own and sees no other channel.

Nothing is summed over channels, so it cannot be a matrix product. Instead it is a sum over the
positions in the window: the image, shifted, times that position's weight for each channel. In
channels-last memory one line of the image is a row of W * C values, and so is one weight per
channel, repeated W times; NumPy multiplies such rows fast.

With a stride of S columns the lines are first taken apart into S *planes*: columns 0, S, 2S, ...,
columns 1, S + 1, ..., and so on. In its plane, what a position sees again lies without gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.nn.kernels.windows import Geometry, blocks, pad, unpad

#: Bytes of output worked on at a time. It, the product and what they are made from fit the cache.
_BLOCK_BYTES = {"numpy": 2**18, "cupy": 2**28}


def depthwise(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """Convolve each channel with its own kernel.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    weight : array of shape (C, 1, KH, KW)
        The kernels.
    bias : array of shape (C,), optional
        Added to each channel.
    geometry : Geometry
        The windows.

    Returns
    -------
    array of shape (N, C, OH, OW)
        In memory (N, OH, OW, C).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(8.0).reshape(1, 2, 2, 2)
    >>> weight = np.array([1.0, 10.0]).reshape(2, 1, 1, 1)
    >>> depthwise(x, weight, None, Geometry(kernel=(1, 1)))[0].tolist()
    [[[0.0, 1.0], [2.0, 3.0]], [[40.0, 50.0], [60.0, 70.0]]]
    """
    xp = array_module(x)
    n, c, h, w = x.shape
    oh, ow = geometry.output_size((h, w))
    views = list(_views(_planes(x, geometry), geometry, (oh, ow), c))
    taps = _taps(weight, ow)
    line_bias = None if bias is None else xp.tile(bias, ow)
    y = xp.empty((n, oh, ow * c), x.dtype)
    for block in blocks(y, _BLOCK_BYTES[xp.__name__]):
        total = y[block]
        xp.multiply(views[0][block], taps[0], out=total)
        product = xp.empty_like(total)
        for view, tap in zip(views[1:], taps[1:], strict=True):
            xp.multiply(view[block], tap, out=product)
            total += product
        if line_bias is not None:
            total += line_bias
    return y.reshape(n, oh, ow, c).transpose(0, 3, 1, 2)


def depthwise_weight_grad(x: Array, dy: Array, geometry: Geometry) -> Array:
    """Return the gradient (C, 1, KH, KW) with respect to the weights.

    ``dw[c, k]`` is the sum over images and windows of what position k sees, times ``dy``.
    """
    xp = array_module(x)
    n, c, oh, ow = dy.shape
    lines = dy.transpose(0, 2, 3, 1).reshape(n, oh, ow * c)
    sums = [
        xp.einsum("nil,nil->l", view, lines, dtype=sum_dtype(dy.dtype)).reshape(ow, c).sum(axis=0)
        for view in _views(_planes(x, geometry), geometry, (oh, ow), c)
    ]
    return xp.stack(sums, axis=1).reshape(c, 1, *geometry.kernel).astype(dy.dtype, copy=False)


def depthwise_input_grad(
    dy: Array, weight: Array, size: tuple[int, int, int, int], geometry: Geometry
) -> Array:
    """Return the gradient with respect to the input, of shape `size` (N, C, H, W).

    Each position hands ``dy`` times its weight back to the pixels that it saw.
    """
    xp = array_module(dy)
    n, c, h, w = size
    (ph, pw), step = geometry.padding, geometry.stride[1]
    oh, ow = dy.shape[2:]
    height, width = h + 2 * ph, w + 2 * pw
    columns = [len(range(start, width, step)) for start in range(step)]
    planes = [xp.zeros((n, height, count * c), dy.dtype) for count in columns]
    lines = dy.transpose(0, 2, 3, 1).reshape(n, oh, ow * c)
    taps = _taps(weight, ow)
    views = list(_views(planes, geometry, (oh, ow), c))
    for block in blocks(lines, _BLOCK_BYTES[xp.__name__]):
        part = lines[block]
        product = xp.empty_like(part)
        for view, tap in zip(views, taps, strict=True):
            xp.multiply(part, tap, out=product)
            target = view[block]
            target += product
    if step == 1:
        image = planes[0].reshape(n, height, width, c)
    else:
        image = xp.empty((n, height, width, c), dy.dtype)
        for start, plane in enumerate(planes):
            image[:, :, start::step] = plane.reshape(n, height, columns[start], c)
    return unpad(image.transpose(0, 3, 1, 2), geometry.padding)


def _planes(x: Array, geometry: Geometry) -> list[Array]:
    """The padded images as planes (see the top of this file): (N, H, columns * C) each."""
    step = geometry.stride[1]
    image = pad(x, geometry.padding).transpose(0, 2, 3, 1)
    planes = [image[:, :, start::step] for start in range(step)]
    return [plane.reshape(*plane.shape[:2], plane.shape[2] * plane.shape[3]) for plane in planes]


def _views(
    planes: Sequence[Array], geometry: Geometry, out: tuple[int, int], channels: int
) -> Iterator[Array]:
    """What each position of the window sees as it slides, (N, OH, OW * C), row by row."""
    (kh, kw), (sh, sw), (dh, dw) = geometry.kernel, geometry.stride, geometry.dilation
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw // sw * channels
            plane = planes[j * dw % sw]
            yield plane[:, top : top + sh * (out[0] - 1) + 1 : sh, left : left + out[1] * channels]


def _taps(weight: Array, width: int) -> Array:
    """The weights of each position, for a whole line of the image: (KH * KW, width * C)."""
    rows = weight.reshape(weight.shape[0], -1).T
    return array_module(weight).tile(rows, (1, width))
