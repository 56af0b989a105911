"""An explorer of a convolution: every product of a kernel that slides over an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlcourse.explore.lib.widget import Explorer, Packed, pack, squares

#: Kernels that show what a convolution can do; they are not flipped, as in `Conv2d`.
KERNELS: dict[str, np.ndarray] = {
    "ink begins, left to right": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "ink begins, top to bottom": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "outline": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "mean of 3 x 3": np.full((3, 3), 1 / 9),
    "mean of 5 x 5": np.full((5, 5), 1 / 25),
    "copy": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    "move left by one": np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
}


@dataclass(frozen=True)
class _Kernel:
    """A kernel, row by row."""

    name: str
    size: int
    weights: list[float]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    images: Packed
    names: list[str]
    kernels: list[_Kernel]


def convolution(
    images: np.ndarray, names: Sequence[str], kernels: Mapping[str, np.ndarray] = KERNELS
) -> Explorer:
    """Slide kernels over images, with any stride, padding and dilation up to 3.

    Parameters
    ----------
    images : array of shape (N, 1, S, S)
        Values from 0 to 1.
    names : sequence of N str
        What each image is called.
    kernels : mapping from str to array of shape (K, K)
        Kernels by name, each small enough for the images when dilated by 3.

    Raises
    ------
    ValueError
        If a shape is wrong, or a kernel is too large.

    Examples
    --------
    >>> convolution(np.zeros((1, 1, 28, 28), np.float32), ["nothing"]).kind
    'convolution'
    """
    grey = squares(images, names)
    size = grey.shape[1]
    for name, kernel in kernels.items():
        if kernel.ndim != 2 or len(set(kernel.shape)) != 1 or 3 * (len(kernel) - 1) + 1 > size:
            raise ValueError(
                f"kernels must be square and at most {(size + 2) // 3} wide, so that they fit "
                f"{size} x {size} pixels with a dilation of 3; {name!r} has shape {kernel.shape}"
            )
    data = _Data(
        images=pack(grey),
        names=list(names),
        kernels=[
            _Kernel(name, size=len(kernel), weights=kernel.astype(float).ravel().tolist())
            for name, kernel in kernels.items()
        ],
    )
    return Explorer("convolution", "Explorer: a convolution, product by product", data)
