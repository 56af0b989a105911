"""The vectors that a generator makes images from, and the ways between them."""

from __future__ import annotations

import math

import numpy as np

from dlcourse.habits import explained
from dlcourse.models import DCGANGenerator


@explained
def latent_vectors(count: int, latent: int, rng: np.random.Generator) -> np.ndarray:
    """Draw what a generator makes images from: (count, latent, 1, 1), normal, float32.

    Examples
    --------
    >>> latent_vectors(2, 64, np.random.default_rng(0)).shape
    (2, 64, 1, 1)
    """
    return rng.standard_normal((count, latent, 1, 1), dtype=np.float32)


def generate(generator: DCGANGenerator, vectors: np.ndarray, batch_size: int = 50) -> np.ndarray:
    """Return the images (N, 1, 28, 28) from 0 to 1 that a generator makes from vectors.

    Normalization uses its running averages, so an image does not depend on the others.

    Parameters
    ----------
    generator : DCGANGenerator
        It is left as it was.
    vectors : array of shape (N, latent, 1, 1)
        See `latent_vectors`.
    batch_size : int
        Images made at a time.

    Examples
    --------
    >>> generator = DCGANGenerator(rng=np.random.default_rng(0))
    >>> generate(generator, latent_vectors(3, 64, np.random.default_rng(0))).shape
    (3, 1, 28, 28)
    """
    twin = generator.for_inference()
    parts = [
        twin(vectors[first : first + batch_size]) for first in range(0, len(vectors), batch_size)
    ]
    return (np.concatenate(parts) + 1) / 2


def slerp(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """Return the vector at a share of the way from `a` to `b` along a circle.

    ``sin((1 - s) w) / sin(w) a + sin(s w) / sin(w) b`` with w the angle between them (Shoemake
    1985). Normal vectors of D numbers nearly all have a length of about sqrt(D). The straight way
    passes through shorter ones, which the generator has never seen; this one does not (White 2016).

    Parameters
    ----------
    a, b : array of one shape
        The ends; neither may be zero.
    share : float
        0 gives `a`, and 1 gives `b`.

    Examples
    --------
    >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5).round(4)
    array([0.7071, 0.7071])
    """
    if a.shape != b.shape:
        raise ValueError(f"slerp expects two vectors of one shape, found {a.shape} and {b.shape}")
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if not min(lengths) > 0:
        raise ValueError("slerp expects vectors that are not zero: zero points nowhere")
    cosine = float((a * b).sum()) / (lengths[0] * lengths[1])
    angle = math.acos(min(max(cosine, -1.0), 1.0))
    sine = math.sin(angle)
    if sine < 1e-6:  # two vectors on one line fix no circle
        return (1 - share) * a + share * b
    return (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / sine
