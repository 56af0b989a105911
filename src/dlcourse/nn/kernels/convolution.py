"""Convolution as matrix products, and its three gradients.

Arrays are (N, C, H, W), but what a convolution makes lies in memory as (N, H, W, C). Read that
way, the patch under a window is made of contiguous runs, the product of patches and weights
gives the output with nothing to transpose, and bias is added row by row.

Patches take KH * KW times the memory of the image. They are never all made at once: a block of
them is copied to scratch memory that fits the processor's cache, multiplied, and overwritten by
the next. Copying them again for the backward pass takes about as long as fetching kept ones.

Where there are kernels in C (`dlcourse.native`), they do the same without patches, and depthwise
convolution too.

The functions are stateless mathematics; the layer `Conv2d` holds the weights.
"""

from __future__ import annotations

import math

import numpy as np

from dlcourse import native
from dlcourse.backend import Array, array_module, elementwise, sum_dtype
from dlcourse.nn.kernels.depthwise import depthwise, depthwise_input_grad, depthwise_weight_grad
from dlcourse.nn.kernels.patches import FEW_CHANNELS, col2im, im2col, windows
from dlcourse.nn.kernels.products import multiply, sum_of_products
from dlcourse.nn.kernels.windows import Geometry, blocks
from dlcourse.workers import (
    image_pieces,
    product,
    row_pieces,
    row_sum,
    run_pieces,
    sum_pieces,
)

#: Bytes of patches made at a time: about a core's second-level cache (0.5 to 4 MiB were tried),
#: or on a GPU enough for one large product.
_BLOCK_BYTES = {"numpy": 2**21, "cupy": 2**28}

#: From this many weights on, laying them out for the product takes noticeable time.
_MANY_WEIGHTS = 2**16

Shape = tuple[int, ...]


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None,
    geometry: Geometry,
    groups: int = 1,
    threads: int = 1,
) -> Array:
    """Convolve: every output value is the product of a patch and a kernel, plus a bias.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    weight : array of shape (O, C / groups, KH, KW)
        The kernels.
    bias : array of shape (O,), optional
        Added to each output channel.
    geometry : Geometry
        The windows.
    groups : int
        Channels are split into this many groups that do not see each other.
    threads : int
        How many threads share the work, where it is large.

    Returns
    -------
    array of shape (N, O, OH, OW)
        In memory (N, OH, OW, O).
    """
    if native.has_kernels(x, weight):
        return native.conv(x, weight, bias, geometry, groups, threads=threads)
    if _is_depthwise(weight.shape, groups):
        return depthwise(x, weight, bias, geometry)
    xp = array_module(x)
    o, _, kh, kw = weight.shape
    patches = windows(x, geometry)
    y = xp.empty((*patches.shape[:3], o), x.dtype)
    if groups == 1 and y.size < o * o:
        # Fewer windows than kernels: then the patches are laid out to match the weights.
        columns = patches.transpose(0, 1, 2, 5, 3, 4).reshape(-1, weight[0].size)
        y = product(columns, weight.reshape(o, -1), threads).reshape(y.shape)
        if bias is not None:
            y += bias
        return y.transpose(0, 3, 1, 2)
    matrix = _matrix(weight, groups)
    # Added to whole lines of the image: a row of so few channels is slow to loop over.
    line_bias = None if bias is None else xp.tile(bias, y.shape[2])
    # BLAS lays the weights out again for each product, so a block should be as large as they are.
    most_bytes = max(_BLOCK_BYTES[xp.__name__], weight.nbytes)

    def fill(part: tuple[slice, slice]) -> None:
        for block in blocks(patches[part], most_bytes):
            columns = im2col(patches[part][block])
            rows = y[part][block].reshape(-1, o)
            if groups == 1:
                multiply(columns, matrix, out=rows)
            else:
                each = _grouped(columns, kh * kw, groups) @ matrix  # (G, rows, O / G)
                rows.reshape(-1, groups, o // groups)[...] = each.transpose(1, 0, 2)
            if line_bias is not None:
                lines = rows.reshape(-1, line_bias.size)
                lines += line_bias

    work, whole = y.size * weight[0].size, slice(None)
    if len(y) == 1:
        parts = [(whole, rows) for rows in row_pieces(y[0], work)]
    else:
        parts = [(images, whole) for images in image_pieces(y, work)]
    run_pieces(fill, parts, threads)
    return y.transpose(0, 3, 1, 2)


def conv2d_weight_grad(
    x: Array,
    dy: Array,
    shape: tuple[int, ...],
    geometry: Geometry,
    groups: int = 1,
    threads: int = 1,
) -> Array:
    """Return the gradient with respect to the weights: patches times output gradients.

    ``dw[o, k] = sum over n of patch[n, k] dy[n, o]``, over images and windows alike.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images of the forward pass.
    dy : array of shape (N, O, OH, OW)
        The gradient with respect to the output.
    shape : (O, C / groups, KH, KW)
        The shape of the weights.
    geometry, groups, threads
        As in `conv2d`.
    """
    if native.has_kernels(x, dy):
        given = x, dy, shape, geometry, groups
        return native.conv_weight_grad(*given, threads=threads)
    if _is_depthwise(shape, groups):
        return depthwise_weight_grad(x, dy, geometry)
    xp = array_module(x)
    o, c, kh, kw = shape
    patches = windows(x, geometry)
    gradient = dy.transpose(0, 2, 3, 1)

    def work(images: slice) -> Array:
        total = xp.zeros((groups, kh * kw * c, o // groups), sum_dtype(dy.dtype))
        for block in blocks(patches[images], _BLOCK_BYTES[xp.__name__]):
            columns = im2col(patches[images][block])
            rows = gradient[images][block].reshape(-1, o)
            if groups == 1:
                total[0] += sum_of_products(columns, rows)
            else:
                split = rows.reshape(-1, groups, o // groups).transpose(1, 0, 2)
                grouped = _grouped(columns, kh * kw, groups)
                total += grouped.transpose(0, 2, 1) @ split
        return total

    total = sum_pieces(work, image_pieces(dy, dy.size * c * kh * kw), threads)
    dw = total.reshape(groups, kh, kw, c, o // groups).transpose(0, 4, 3, 1, 2)
    return xp.ascontiguousarray(dw, dy.dtype).reshape(shape)


def conv2d_input_grad(
    dy: Array,
    weight: Array,
    size: tuple[int, int, int, int],
    geometry: Geometry,
    groups: int = 1,
    threads: int = 1,
    bias: Array | None = None,
) -> Array:
    """Return the gradient with respect to the input, of shape `size` (N, C, H, W).

    With stride 1 it is itself a convolution: of `dy`, with the kernels turned by 180 degrees
    and input and output channels swapped (Dumoulin and Visin 2016). Otherwise, and where the input
    is several times larger than `dy`, each output gradient is spread over its patch and the patches
    are added up.

    Parameters
    ----------
    dy, weight, geometry, groups, threads
        As in `conv2d_weight_grad` and `conv2d`.
    size : (int, int, int, int)
        The shape of the input.
    bias : array of shape (C,), optional
        Added to each channel: so this is also a transposed convolution.
    """
    if native.has_kernels(dy, weight):
        return native.conv_input_grad(dy, weight, size, geometry, groups, bias, threads=threads)
    dx = _input_grad(dy, weight, size, geometry, groups, threads)
    if bias is not None:
        dx += bias[:, None, None]
    return dx


def _input_grad(
    dy: Array,
    weight: Array,
    size: tuple[int, int, int, int],
    geometry: Geometry,
    groups: int,
    threads: int,
) -> Array:
    if _is_depthwise(weight.shape, groups):
        return depthwise_input_grad(dy, weight, size, geometry)
    o, c, kh, kw = weight.shape
    back = _back(geometry, size, dy.shape)
    if back is not None:
        turned = weight[:, :, ::-1, ::-1].reshape(groups, o // groups, c, kh, kw)
        turned = turned.transpose(0, 2, 1, 3, 4).reshape(groups * c, o // groups, kh, kw)
        return conv2d(dy, turned, None, back, groups, threads)
    n, channels, h, w = size
    matrix = _matrix(weight, groups).reshape(groups, -1, o // groups).transpose(0, 2, 1)
    dx = array_module(dy).empty((n, h, w, channels), dy.dtype).transpose(0, 3, 1, 2)

    def spread(images: slice) -> None:
        part = dy[images].transpose(0, 2, 3, 1)
        columns = part.reshape(-1, groups, o // groups).transpose(1, 0, 2) @ matrix
        columns = columns.reshape(groups, -1, kh * kw, c).transpose(1, 2, 0, 3)
        columns = columns.reshape(-1, kh * kw * groups * c)
        dx[images] = col2im(columns, (len(part), channels, h, w), geometry)

    run_pieces(spread, image_pieces(dy, dy.size * weight[0].size), threads)
    return dx


def conv2d_gradients(
    x: Array,
    dy: Array,
    weight: Array,
    geometry: Geometry,
    groups: int = 1,
    *,
    bias: bool = True,
    input_grad: bool = True,
    plus: Array | None = None,
    threads: int = 1,
) -> tuple[Array, Array | None, Array | None]:
    """Return the gradients with respect to the weights and, where wanted, the bias and the input.

    Parameters
    ----------
    x, dy, weight, geometry, groups
        As in `conv2d_weight_grad` and `conv2d_input_grad`.
    bias, input_grad : bool
        If false, None takes the place of `db` or `dx`. This changes no bit of the others.
    plus : array of the shape of `x`, optional
        Added to `dx`.
    threads : int
        How many threads share the images, where the work is large. This changes no bit.
    """
    if native.has_kernels(x, dy, weight, *(() if plus is None else (plus,))):
        given = x, dy, weight, geometry, groups
        return native.conv_grads(
            *given, bias=bias, input_grad=input_grad, plus=plus, threads=threads
        )
    dw, dx = _both_gradients(x, dy, weight, geometry, groups, input_grad, threads)
    if dx is not None and plus is not None:
        dx = elementwise("add", dx, plus)
    return dw, channel_sum(dy, threads) if bias else None, dx


def _both_gradients(
    x: Array,
    dy: Array,
    weight: Array,
    geometry: Geometry,
    groups: int,
    input_grad: bool,
    threads: int,
) -> tuple[Array, Array | None]:
    """Weights and input.

    With stride 1 the same patches of `dy` give both. Times the weights they are `dx`; times the
    pixels that they surround, ``dw[o, c, u, v] = sum over p of x[p, c] dy[p - (u, v), o]``.
    """
    back = _back(geometry, x.shape, dy.shape)
    o, c, kh, kw = weight.shape
    n, _, h, w = x.shape
    # Patches of few channels are narrow; for fewer pixels than kernels see conv2d.
    if back is None or groups > 1 or c <= FEW_CHANNELS or n * h * w < o:
        dw = conv2d_weight_grad(x, dy, weight.shape, geometry, groups, threads)
        if not input_grad:
            return dw, None
        return dw, conv2d_input_grad(dy, weight, x.shape, geometry, groups, threads)
    xp = array_module(x)
    patches = windows(dy, back)
    pixels = x.transpose(0, 2, 3, 1)
    turned = _matrix(weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3), groups=1)
    most_bytes = max(_BLOCK_BYTES[xp.__name__], weight.nbytes)
    dx = xp.empty((n, h, w, c), dy.dtype) if input_grad else None

    def work(images: slice) -> Array:
        total = xp.zeros((kh * kw * o, c), sum_dtype(dy.dtype))
        for block in blocks(patches[images], most_bytes):
            columns = im2col(patches[images][block])
            total += sum_of_products(columns, pixels[images][block].reshape(-1, c))
            if dx is not None:
                multiply(columns, turned, out=dx[images][block].reshape(-1, c))
        return total

    total = sum_pieces(work, image_pieces(x, n * h * w * turned.size), threads)
    dw = total.reshape(kh, kw, o, c)[::-1, ::-1].transpose(2, 3, 0, 1)
    if xp is not np or np.isfinite(total).all():  # do not wait for a GPU
        dw = xp.ascontiguousarray(dw, dy.dtype)
    else:  # a pixel of infinity times the padding of `dy` is NaN, which no window has seen
        dw = conv2d_weight_grad(x, dy, weight.shape, geometry, threads=threads)
    return dw, None if dx is None else dx.transpose(0, 3, 1, 2)


def channel_sum(dy: Array, threads: int) -> Array:
    """Return the gradient with respect to the bias: the sum (O,) over images and pixels."""
    if native.has_kernels(dy):
        return native.channel_sum(dy, threads=threads)
    return row_sum(dy.transpose(0, 2, 3, 1).reshape(-1, dy.shape[1]), threads)


def _back(geometry: Geometry, size: Shape, dy_size: Shape) -> Geometry | None:
    """The windows of the convolution that takes `dy` to `dx`; None where another way is better."""
    if math.prod(size[2:]) > 4 * math.prod(dy_size[2:]):
        return None  # most of what it multiplies would be padding
    margin = tuple(
        d * (k - 1) - p
        for d, k, p in zip(geometry.dilation, geometry.kernel, geometry.padding, strict=True)
    )
    if geometry.stride != (1, 1) or min(margin) < 0:
        return None
    return Geometry(geometry.kernel, (1, 1), (margin[0], margin[1]), geometry.dilation)


def _is_depthwise(shape: tuple[int, ...], groups: int) -> bool:
    """Whether every group has one channel in and one out: then matrix products are no use."""
    return groups > 1 and shape[:2] == (groups, 1)


def _matrix(weight: Array, groups: int) -> Array:
    """(O, C / G, KH, KW) as the matrix (KH * KW * C, O) that patches are multiplied with.

    With groups there is one matrix for each: (G, KH * KW * C / G, O / G).
    """
    o, c, kh, kw = weight.shape
    split = weight.reshape(groups, o // groups, c, kh, kw)
    if weight.size > _MANY_WEIGHTS:
        # The transposed matrix is copied kernel by kernel, each within the cache: ten times as
        # fast for 512 channels. BLAS takes either layout.
        matrices = split.transpose(0, 1, 3, 4, 2).reshape(groups, o // groups, kh * kw * c)
        matrices = matrices.transpose(0, 2, 1)
    else:
        matrices = split.transpose(0, 3, 4, 2, 1).reshape(groups, kh * kw * c, o // groups)
    return matrices[0] if groups == 1 else matrices


def _grouped(columns: Array, positions: int, groups: int) -> Array:
    """Patches (rows, KH * KW * C) as one matrix per group: (G, rows, KH * KW * C / G)."""
    split = columns.reshape(columns.shape[0], positions, groups, -1)
    return split.transpose(2, 0, 1, 3).reshape(groups, columns.shape[0], -1)
