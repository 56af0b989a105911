"""Images side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from dlcourse.explore.plots.theme import figure_style


def image_grid(
    images: np.ndarray, titles: Sequence[object] | np.ndarray | None = None, columns: int = 6
) -> None:
    """Show grey images side by side.

    Parameters
    ----------
    images : array of shape (N, 1, H, W)
        All drawn on one common scale, from the lowest value to the highest.
    titles : sequence of N, optional
        A line above each image.
    columns : int
        Images per row.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must have shape (N, 1, H, W), found {images.shape}")
    rows = math.ceil(len(images) / columns)
    with figure_style():
        side = 8 / columns
        height = rows * (side + (0.25 if titles is not None else 0.05))
        _, axes = plt.subplots(rows, columns, figsize=(8, height), squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
        for i, image in enumerate(images):
            axis = axes.flat[i]
            axis.imshow(image[0], vmin=images.min(), vmax=images.max())
            if titles is not None:
                axis.set_title(str(titles[i]), fontsize=9)
        plt.show()
