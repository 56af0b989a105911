"""How good generated digits are: sharp, of every kind, and as varied as real ones.

The judge is a classifier of the zoo, which takes no part in the training of any generator.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dlcourse import zoo
from dlcourse.blas import blas_held
from dlcourse.data import load_mnist
from dlcourse.models import DeepConvNet
from dlcourse.nn import softmax

#: The entry of the zoo that judges: a DeepConvNet trained with augmentation.
JUDGE = "deep-convnet-augmented-seed0"

#: At this probability of a class or more, the judge counts as confident.
CONFIDENT = 0.9


class Judged(NamedTuple):
    """What the judge sees in images."""

    features: np.ndarray  #: (N, 50), what its last layer makes scores from; float32
    probabilities: np.ndarray  #: (N, 10), of each class

    @property
    def classes(self) -> np.ndarray:
        """The most probable class (N,) of each image."""
        classes: np.ndarray = self.probabilities.argmax(axis=1)
        return classes

    @property
    def confidence(self) -> np.ndarray:
        """The probability (N,) of that class."""
        highest: np.ndarray = self.probabilities.max(axis=1)
        return highest


class Scores(NamedTuple):
    """How good generated images are."""

    confident: float  #: share of images that the judge gives a class with probability >= 0.9
    shares: tuple[float, ...]  #: share of each class
    entropy: float  #: of these shares, in nats; ten equal ones have log 10 = 2.30
    frechet: float  #: distance from the test images; see `frechet_distance`
    spread: float  #: mean distance of two images; see `mean_distance`


def look(images: np.ndarray, judge: DeepConvNet, batch_size: int = 50) -> Judged:
    """Return what the judge sees in images.

    Parameters
    ----------
    images : array of shape (N, 1, 28, 28)
        From 0 to 1.
    judge : DeepConvNet
        The zoo's `JUDGE`.
    batch_size : int
        Images that pass through the network at a time.

    Raises
    ------
    ValueError
        If the images have values outside 0 to 1.

    Examples
    --------
    >>> seen = look(load_mnist()[1].images[:3], zoo.load(JUDGE))
    >>> seen.classes, seen.features.shape
    (array([7, 2, 1]), (3, 50))
    """
    if len(images) == 0 or not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            "the judge expects images with values from 0 to 1, "
            + (f"found {images.min():g} to {images.max():g}" if len(images) else "found none")
        )
    twin = judge.for_inference()
    *hidden, dropout, last = twin.classifier
    features, scores = [], []
    for first in range(0, len(images), batch_size):
        x = twin.features(images[first : first + batch_size])
        for layer in hidden:
            x = layer(x)
        features.append(x)
        scores.append(last(dropout(x)))
    return Judged(np.concatenate(features), softmax(np.concatenate(scores)))


@blas_held()
def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the squared distance of two clouds of points, each taken for a normal distribution.

    With means m and covariances C ``|m_a - m_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2))``: the
    squared Frechet distance of two normal distributions (Dowson and Landau 1982). Heusel et al.
    (2017) take the features of Inception-v3 on ImageNet as points and call it FID; here they are
    those of a network that knows digits, so the numbers compare with each other and not with
    published ones.

    Parameters
    ----------
    a, b : array of shape (N, D)
        At least two points each. With few points the distance comes out too large: compare
        only distances for equal numbers of points.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.standard_normal((100, 4))
    >>> round(frechet_distance(a, a + 3), 6)  # moved by 3 in four directions: 4 * 3 ** 2
    36.0
    """
    if a.ndim != 2 or a.shape[1:] != b.shape[1:] or min(len(a), len(b)) < 2:
        raise ValueError(
            "frechet_distance expects two arrays (N, D) of one D, with N of at least 2, "
            f"found {a.shape} and {b.shape}"
        )
    means = [points.mean(axis=0, dtype=np.float64) for points in (a, b)]
    cov_a, cov_b = (np.cov(points, rowvar=False, dtype=np.float64) for points in (a, b))
    # The eigenvalues of C_a C_b are those of R C_b R with R the root of C_a, which is symmetric.
    values, vectors = np.linalg.eigh(np.atleast_2d(cov_a))
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ np.atleast_2d(cov_b) @ root)
    moved = ((means[0] - means[1]) ** 2).sum()
    spread = np.trace(np.atleast_2d(cov_a + cov_b)) - 2 * np.sqrt(product.clip(min=0)).sum()
    return float(max(moved + spread, 0.0))


def mean_distance(images: np.ndarray) -> float:
    """Return the root of the mean squared distance of two different images, pixel by pixel.

    It is 0 for a generator that makes one image again and again.

    Parameters
    ----------
    images : array of shape (N, ...)
        At least two.

    Examples
    --------
    >>> mean_distance(np.array([[0.0, 0.0], [3.0, 4.0]]))
    5.0
    """
    if len(images) < 2:
        raise ValueError(f"mean_distance expects at least two images, found {len(images)}")
    # Half the mean squared distance of two points is their variance, summed over the pixels.
    flat = images.reshape(len(images), -1)
    return float(np.sqrt(2 * flat.var(axis=0, ddof=1, dtype=np.float64).sum()))


def score(images: np.ndarray, judge: DeepConvNet, real: np.ndarray) -> Scores:
    """Return how good generated images are.

    Parameters
    ----------
    images : array of shape (N, 1, 28, 28)
        From 0 to 1.
    judge : DeepConvNet
        The zoo's `JUDGE`.
    real : array of shape (M, 50)
        The judge's features of real images, `look(test.images, judge).features`.

    Examples
    --------
    >>> train, test = load_mnist()
    >>> judge = zoo.load(JUDGE)
    >>> real = look(test.images[:1000], judge).features
    >>> score(train.images[:1000], judge, real).confident > 0.95
    True
    """
    seen = look(images, judge)
    shares = np.bincount(seen.classes, minlength=10) / len(images)
    present = shares[shares > 0]
    return Scores(
        float((seen.confidence >= CONFIDENT).mean()),
        tuple(shares.tolist()),
        float(-(present * np.log(present)).sum()),
        frechet_distance(seen.features, real),
        mean_distance(images),
    )


def judged(images: np.ndarray) -> dict[str, Any]:
    """Return the scores of generated images against MNIST's test images, rounded for a record.

    Examples
    --------
    >>> judged(load_mnist()[0].images[:1000])["confident"] > 0.95
    True
    """
    judge: DeepConvNet = zoo.load(JUDGE)
    scores = score(images, judge, _real_features())._asdict()
    return {
        name: [round(x, 4) for x in value] if isinstance(value, tuple) else round(value, 4)
        for name, value in scores.items()
    }


@cache
def _real_features() -> np.ndarray:
    return look(load_mnist()[1].images, zoo.load(JUDGE)).features
