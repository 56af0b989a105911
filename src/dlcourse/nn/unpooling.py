"""Unpooling: the values of a max pooling go back to where they came from."""

from __future__ import annotations

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.nn.kernels.windows import Pair, check_images, pair
from dlcourse.nn.module import Module


class MaxUnpool2d(Module):
    """Each value goes to the place that max pooling took it from; all other places become 0.

    Zeiler and Fergus (2014) used it to draw what a network has seen; SegNet enlarges with it. It
    has no weights: where things are is remembered, not learnt.

    Parameters
    ----------
    kernel_size, stride, padding : int or (int, int)
        Those of the `MaxPool2d` that gave the indices; its windows must not overlap.

    Notes
    -----
    Pooling takes ``y[k] = x[i_k]``, unpooling puts ``z[i_k] = y[k]``, so the gradient is
    ``dy[k] = dz[i_k]``: it is fetched from the places where the values were put.

    Examples
    --------
    >>> import numpy as np
    >>> from dlcourse.nn import MaxPool2d
    >>> x = np.array([[1, 9, 2, 3], [4, 5, 8, 6]], np.float32)[None, None]
    >>> largest, indices = MaxPool2d(2, return_indices=True)(x)
    >>> indices.tolist()
    [[[[1, 6]]]]
    >>> MaxUnpool2d(2)(largest, indices)[0, 0]
    array([[0., 9., 0., 0.],
           [0., 0., 8., 0.]], dtype=float32)
    """

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "kernel_size", least=1)
        self.stride = self.kernel_size if stride is None else pair(stride, "stride", least=1)
        self.padding = pair(padding, "padding")

    def forward(
        self, x: Array, indices: Array, output_size: tuple[int, int] | None = None
    ) -> Array:
        """Return (N, C, H, W) for values (N, C, OH, OW) and the indices of `MaxPool2d`.

        Parameters
        ----------
        x : array of shape (N, C, OH, OW)
            What goes back.
        indices : int array of shape (N, C, OH, OW)
            Where it goes, as ``row * W + column``.
        output_size : (int, int), optional
            H and W; when left out, the smallest that pool to OH and OW.

        Raises
        ------
        ValueError
            If the shapes differ, or an index lies outside H x W.
        """
        check_images("MaxUnpool2d", x)
        if x.shape != indices.shape or indices.dtype.kind not in "iu":
            raise ValueError(
                f"MaxUnpool2d expects an index for each value of {x.shape}, found "
                f"{indices.dtype} of shape {indices.shape}"
            )
        h, w = output_size or [
            (n - 1) * s - 2 * p + k
            for n, s, p, k in zip(
                x.shape[2:], self.stride, self.padding, self.kernel_size, strict=True
            )
        ]
        if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < h * w:
            raise ValueError(
                f"indices must lie from 0 to {h * w - 1} for an output of {h}x{w}, found "
                f"{int(indices.min())} to {int(indices.max())}; give output_size"
            )
        xp = array_module(x)
        n, c = x.shape[:2]
        self._shape = n, h, w, c
        # Places in memory, which holds (N, H, W, C).
        image = xp.arange(n).reshape(-1, 1, 1, 1) * (h * w)
        places = indices.astype(np.int64, copy=False).transpose(0, 2, 3, 1)
        self._places = (image + places) * c + xp.arange(c)
        y = xp.zeros(n * h * w * c, x.dtype)
        y[self._places] = x.transpose(0, 2, 3, 1)
        return y.reshape(self._shape).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> tuple[Array, None]:
        """Return the gradient with respect to the values; the indices have none."""
        return dy.transpose(0, 2, 3, 1).reshape(-1)[self._places].transpose(0, 3, 1, 2), None
