"""RoI pooling: a grid of fixed size from a region of any size, so that one pass serves them all."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from dlcourse.backend import Array, array_module, sum_dtype
from dlcourse.nn.kernels.windows import Pair, check_images, pair
from dlcourse.nn.module import Module


class RoIPool(Module):
    """The maximum of each cell of a grid laid over each region (Girshick 2015, section 2.1).

    Edges of regions are rounded to whole places of the feature map, and so are those of cells,
    outwards: neighbouring cells may share a row. The numbers are those of torchvision's
    ``RoIPool``, but NaN counts as the largest, as in `MaxPool2d`: torchvision ignores it.
    The gradient of a cell goes to the place of its maximum; where regions overlap, gradients add
    up.

    Parameters
    ----------
    output_size : int or (int, int)
        Rows and columns P of the grid.
    spatial_scale : float
        Places of the feature map per pixel: 1 / 8 after three poolings.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    >>> regions = np.array([[0, 0, 0, 3, 3]], np.float32)  # of image 0: left, top, right, bottom
    >>> RoIPool(2)(features, regions)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """

    def __init__(self, output_size: Pair, spatial_scale: float = 1.0) -> None:
        super().__init__()
        self.output_size = pair(output_size, "output_size", least=1)
        self.spatial_scale = spatial_scale

    def forward(self, x: Array, regions: Array) -> Array:
        """Return (R, C, P, P) for features (N, C, H, W) and regions (R, 5).

        A region is the number of its image, left, top, right and bottom in pixels. What lies
        outside the features is cut off; a cell of which nothing is left becomes 0.
        """
        xp = array_module(x)
        check_images("RoIPool", x)
        if regions.ndim != 2 or regions.shape[1] != 5 or regions.dtype.kind not in "fiu":
            raise ValueError(
                "RoIPool expects regions (R, 5) of numbers: image, left, top, right, bottom; "
                f"found {regions.dtype} of shape {regions.shape}"
            )
        if not xp.isfinite(regions).all():
            raise ValueError("RoIPool expects regions of finite numbers, found NaN or infinity")
        images = regions[:, 0].astype(int)
        if len(images) and not 0 <= int(images.min()) <= int(images.max()) < len(x):
            raise ValueError(f"regions must be of images 0 to {len(x) - 1}, found others")
        places = _rounded((regions[:, 1:] * float(self.spatial_scale)).astype(np.float64), xp)
        (h, w), (ph, pw) = x.shape[2:], self.output_size
        top, bottom = _cells(places[:, 1], places[:, 3], ph, h, xp)
        left, right = _cells(places[:, 0], places[:, 2], pw, w, xp)
        pixels = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])  # one row per place
        shape = (len(regions), ph, pw)
        best = xp.zeros((*shape, x.shape[1]), x.dtype)
        source = xp.full(best.shape, -1)  # the row of the maximum
        # Cells differ in size: step through the largest, and stay at the end of smaller ones.
        most = [int((b - a).max()) if b.size else 0 for a, b in ((top, bottom), (left, right))]
        for i in range(max(most[0], 0)):
            for j in range(max(most[1], 0)):
                row = xp.minimum(top + i, xp.maximum(bottom - 1, 0))[:, :, None]
                column = xp.minimum(left + j, xp.maximum(right - 1, 0))[:, None, :]
                index = (images[:, None, None] * h + row) * w + column
                candidate = pixels[index]
                better = (candidate > best) | xp.isnan(candidate) | (source < 0)
                best = xp.where(better, candidate, best)
                source = xp.where(better, index[..., None], source)
        empty = ((bottom <= top)[:, :, None] | (right <= left)[:, None, :])[..., None]
        self._source = xp.where(empty, -1, source)
        self._shape = x.shape
        return xp.where(empty, x.dtype.type(0), best).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> tuple[Array, None]:
        """Return the gradient with respect to the features; the regions have none."""
        xp = array_module(dy)
        n, c, h, w = self._shape
        channels = xp.arange(c)
        rows = dy.transpose(0, 2, 3, 1)
        dx = xp.zeros((n * h * w * c,), sum_dtype(dy.dtype))
        kept = self._source >= 0
        xp.add.at(dx, (self._source * c + channels)[kept], rows[kept])
        return dx.reshape(n, h, w, c).transpose(0, 3, 1, 2).astype(dy.dtype, copy=False), None


def _rounded(places: Array, xp: ModuleType) -> Array:
    """The nearest whole numbers; halves away from zero, as C rounds."""
    whole = xp.trunc(places)
    whole += xp.sign(places) * (abs(places - whole) >= 0.5)
    return whole.clip(-(2**30), 2**30).astype(int)


def _cells(first: Array, last: Array, count: int, size: int, xp: ModuleType) -> tuple[Array, Array]:
    """Return where each of `count` cells of each region begins and ends, cut to 0 to `size`."""
    lengths = xp.maximum(last - first + 1, 1)[:, None]
    steps = xp.arange(count)[None]
    begin = first[:, None] + steps * lengths // count
    end = first[:, None] - -((steps + 1) * lengths) // count  # rounded up
    return begin.clip(0, size), end.clip(0, size)
