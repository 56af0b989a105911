"""An explorer of what lies between four images in a generator's latent space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcourse.applications.generation import generate, look, slerp
from dlcourse.explore.lib.widget import Explorer, Packed, pack
from dlcourse.models import DCGANGenerator, DeepConvNet


@dataclass(frozen=True)
class _Data:
    """Rows of images, and what a classifier reads in each."""

    side: int
    images: Packed
    read: list[int]
    confidence: list[float]


def latent_walk(
    network: DCGANGenerator, corners: np.ndarray, judge: DeepConvNet, side: int = 13
) -> Explorer:
    """Walk between four vectors, and read what the judge sees on the way.

    Along the upper and the lower edge, and then between the two, the way follows `slerp`.

    Parameters
    ----------
    network : DCGANGenerator
        Makes the images.
    corners : array of shape (4, latent, 1, 1)
        The vectors of the corners: upper left, upper right, lower left, lower right.
    judge : DeepConvNet
        The zoo's `dlcourse.applications.generation.JUDGE`.
    side : int
        Images per row, and rows; 13 come to 177 kB.

    Raises
    ------
    ValueError
        If there are not four corners, or fewer than two images in a row.

    Examples
    --------
    >>> from dlcourse import zoo
    >>> from dlcourse.applications.generation import JUDGE, latent_vectors
    >>> rng = np.random.default_rng(0)
    >>> network = DCGANGenerator(rng=rng)
    >>> walk = latent_walk(network, latent_vectors(4, 64, rng), zoo.load(JUDGE), side=2)
    >>> len(walk.data["read"])
    4
    """
    if len(corners) != 4 or side < 2:
        raise ValueError(
            f"latent_walk expects 4 corners and at least 2 images in a row, found {len(corners)} "
            f"corners and {side}"
        )
    shares = np.linspace(0, 1, side)
    above, below = ([slerp(a, b, x) for x in shares] for a, b in (corners[:2], corners[2:]))
    vectors = [slerp(a, b, y) for y in shares for a, b in zip(above, below, strict=True)]
    images = generate(network, np.stack(vectors).astype(np.float32))
    seen = look(images, judge)
    data = _Data(
        side=side,
        images=pack(images[:, 0]),
        read=seen.classes.tolist(),
        confidence=[round(float(p), 3) for p in seen.confidence],
    )
    return Explorer("latent_walk", "Explorer: a walk between four digits", data)
