"""The patches of an image under a sliding window: as a view, as a matrix, and added back.

Channels-last in memory, a patch is made of contiguous runs of KW * C values, which is what makes
copying it fast.
"""

from __future__ import annotations

import math
import threading
from types import ModuleType

import numpy as np

from dlcourse import cuda
from dlcourse.backend import Array, array_module
from dlcourse.nn.kernels.windows import Geometry, pad, runs, shifted, unpad

#: Up to this many channels, runs are too short to copy fast, and patches are laid out transposed.
FEW_CHANNELS = 3

# One scratch array per thread, kept from call to call so that it stays in that core's cache.
_local = threading.local()


def windows(x: Array, geometry: Geometry) -> Array:
    """Return a view of the patch under each window; without padding, nothing is copied.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        The images.
    geometry : Geometry
        The windows.

    Returns
    -------
    array of shape (N, OH, OW, KH, KW, C)
        Overlapping, and so only to be read.
    """
    oh, ow = geometry.output_size(x.shape[2:])
    x = pad(x, geometry.padding)
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    step_n, step_c, step_h, step_w = x.strides
    return array_module(x).lib.stride_tricks.as_strided(
        x,
        (x.shape[0], oh, ow, *geometry.kernel, x.shape[1]),
        (step_n, sh * step_h, sw * step_w, dh * step_h, dw * step_w, step_c),
    )


def im2col(patches: Array) -> Array:
    """Lay patches out as the rows of a matrix.

    Parameters
    ----------
    patches : array of shape (N, OH, OW, KH, KW, C)
        From `windows`.

    Returns
    -------
    array of shape (N * OH * OW, KH * KW * C)
        Along a row, first the position in the kernel, then the channel. It lies in scratch memory
        that the next call in the same thread overwrites.

    Examples
    --------
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> im2col(windows(x, Geometry(kernel=(2, 2))))
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    n, oh, ow, kh, kw, c = patches.shape
    rows, width = n * oh * ow, kh * kw * c
    if patches.flags.c_contiguous:  # a 1x1 kernel: the image is its own matrix
        return patches.reshape(rows, width)
    xp = array_module(patches)
    scratch = _scratch(xp, rows * width, patches.dtype)
    if cuda.has_kernels(patches):
        cuda.im2col(patches, scratch)
        return scratch.reshape(rows, width)
    if c <= FEW_CHANNELS:
        # The transposed matrix has runs as long as a row of the image. BLAS takes either layout.
        scratch.reshape(kh, kw, c, n, oh, ow)[...] = patches.transpose(3, 4, 5, 0, 1, 2)
        return scratch.reshape(width, rows).T
    if xp is np and patches.strides[5] == patches.itemsize:
        if patches.strides[4] == c * patches.itemsize:  # no dilation: its pixels are neighbours
            patches = patches.reshape(n, oh, ow, kh, kw * c)
        runs(scratch.reshape(patches.shape))[...] = runs(patches)
    else:
        scratch.reshape(patches.shape)[...] = patches
    return scratch.reshape(rows, width)


def col2im(
    columns: Array,
    size: tuple[int, int, int, int],
    geometry: Geometry,
) -> Array:
    """Add the rows of a patch matrix back into images: the transpose of `windows` and `im2col`.

    Parameters
    ----------
    columns : array of shape (N * OH * OW, KH * KW * C)
        What each patch contributes.
    size : (N, C, H, W)
        The shape of the images.
    geometry : Geometry
        The windows.

    Returns
    -------
    array of shape (N, C, H, W)
        Where windows overlap, contributions add up.

    Examples
    --------
    >>> columns = np.ones((4, 4))
    >>> col2im(columns, (1, 1, 3, 3), Geometry(kernel=(2, 2)))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    n, c, h, w = size
    ph, pw = geometry.padding
    oh, ow = geometry.output_size((h, w))
    shape = n, h + 2 * ph, w + 2 * pw, c
    image = array_module(columns).zeros(shape, columns.dtype)
    image = image.transpose(0, 3, 1, 2)
    patches = columns.reshape(n, oh, ow, math.prod(geometry.kernel), c)
    views = shifted(image, geometry.kernel, geometry.stride, geometry.dilation)
    for position, view in enumerate(views):
        view += patches[:, :, :, position].transpose(0, 3, 1, 2)
    return unpad(image, geometry.padding)


def _scratch(xp: ModuleType, size: int, dtype: np.dtype) -> Array:
    kept = getattr(_local, xp.__name__, None)
    if kept is None or kept.dtype != dtype or kept.size < size:
        kept = xp.empty(size, dtype)
        setattr(_local, xp.__name__, kept)
    return kept[:size]
