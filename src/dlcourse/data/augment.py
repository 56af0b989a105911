"""Random changes to images that leave their labels true.

Each is called as ``augment(images, rng)`` with images (N, C, H, W) and returns new ones of the same
shape and dtype; every image is changed in its own way. The same generator gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dlcourse.blas import blas_held
from dlcourse.habits import explained

#: Anything that can be called as ``augment(images, rng)``.
Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Compose:
    """Several augmentations, one after another.

    Shift, rotation and scale together are cheaper and sharper as one `Affine`.

    Examples
    --------
    >>> augment = Compose(Affine(max_degrees=10, max_pixels=2), Cutout(8))
    >>> augment(np.ones((2, 1, 28, 28), np.float32), np.random.default_rng(0)).shape
    (2, 1, 28, 28)
    """

    def __init__(self, *augmentations: Augmentation) -> None:
        self.augmentations = augmentations

    @explained
    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for augment in self.augmentations:
            images = augment(images, rng)
        return images


class Affine:
    """Rotate, scale and shift each image by random amounts, in one sampling.

    Parameters
    ----------
    max_degrees : float
        Rotation about the centre, evenly from -max_degrees to max_degrees.
    max_pixels : int
        Shift along each axis, evenly over the whole numbers from -max_pixels to max_pixels:
        a shift alone blurs nothing.
    max_factor : float
        Magnification, from 1 / max_factor to max_factor; twice as large is as likely as half.

    Raises
    ------
    ValueError
        If `max_degrees` or `max_pixels` is negative, or `max_factor` less than 1.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
    >>> unchanged = Affine()(images, np.random.default_rng(0))
    >>> np.array_equal(unchanged, images)
    True
    """

    def __init__(
        self, max_degrees: float = 0.0, max_pixels: int = 0, max_factor: float = 1.0
    ) -> None:
        if max_degrees < 0:
            raise ValueError(f"max_degrees must not be negative, found {max_degrees}")
        if max_pixels < 0 or max_pixels != int(max_pixels):
            raise ValueError(f"max_pixels must be a whole number from 0 on, found {max_pixels}")
        if max_factor < 1:
            raise ValueError(f"max_factor must be at least 1, found {max_factor}")
        self.max_degrees = max_degrees
        self.max_pixels = int(max_pixels)
        self.max_factor = max_factor

    @explained
    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, _, height, width = _shape(images)
        angle = np.deg2rad(rng.uniform(-self.max_degrees, self.max_degrees, n))
        factor = self.max_factor ** rng.uniform(-1, 1, n)
        dy, dx = rng.integers(-self.max_pixels, self.max_pixels, (2, n, 1, 1), endpoint=True)
        # The pixel at p shows what lay at R^-1 (p - d) / factor, measured from the centre.
        cos = (np.cos(angle) / factor).astype(np.float32)[:, None, None]
        sin = (np.sin(angle) / factor).astype(np.float32)[:, None, None]
        y0, x0 = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
        y = np.arange(height, dtype=np.float32)[:, None] - y0 - dy.astype(np.float32)
        x = np.arange(width, dtype=np.float32) - x0 - dx.astype(np.float32)
        coords = np.empty((n, 2, height, width), np.float32)
        np.subtract(cos * y + y0, sin * x, out=coords[:, 0])
        np.add(sin * y + x0, cos * x, out=coords[:, 1])
        return warp(images, coords)


class Shift(Affine):
    """Shift each image by up to `max_pixels` whole pixels along each axis."""

    def __init__(self, max_pixels: int) -> None:
        super().__init__(max_pixels=max_pixels)


class Rotate(Affine):
    """Rotate each image about its centre by up to `max_degrees` either way."""

    def __init__(self, max_degrees: float) -> None:
        super().__init__(max_degrees=max_degrees)


class Scale(Affine):
    """Magnify or shrink each image about its centre, by up to `max_factor`."""

    def __init__(self, max_factor: float) -> None:
        super().__init__(max_factor=max_factor)


class Elastic:
    """Distort each image as if it were drawn on rubber (Simard et al. 2003).

    Every pixel is moved by a field of noise, uniform over [-1, 1) and smoothed with a Gaussian.

    Parameters
    ----------
    alpha : float
        What the field is multiplied by, in pixels.
    sigma : float
        Standard deviation of the Gaussian, in pixels. A move is then about
        ``0.16 * alpha / sigma`` pixels along each axis (root mean square).

    Raises
    ------
    ValueError
        If `alpha` is negative or `sigma` not positive.

    References
    ----------
    Simard et al. 2003: Best practices for convolutional neural networks applied to visual
    document analysis; they found alpha 34 and sigma 4 best on MNIST.

    Examples
    --------
    >>> images = np.ones((2, 1, 28, 28), np.float32)
    >>> Elastic(alpha=34, sigma=4)(images, np.random.default_rng(0)).shape
    (2, 1, 28, 28)
    """

    def __init__(self, alpha: float, sigma: float) -> None:
        if alpha < 0 or sigma <= 0:
            raise ValueError(
                "alpha must not be negative and sigma must be positive, "
                f"found alpha={alpha}, sigma={sigma}"
            )
        self.alpha = alpha
        self.sigma = sigma

    @explained
    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, _, height, width = _shape(images)
        smooth_y, smooth_x = _gaussian(height, self.sigma), _gaussian(width, self.sigma)
        # The noise reaches beyond the image, so that pixels at its edge move as much as others.
        noise = rng.random((n, 2, smooth_y.shape[1], smooth_x.shape[1]), dtype=np.float32)
        with blas_held():
            coords = smooth_y @ (2 * noise - 1) @ smooth_x.T
        coords *= self.alpha
        coords[:, 0] += np.arange(height, dtype=np.float32)[:, None]
        coords[:, 1] += np.arange(width, dtype=np.float32)
        return warp(images, coords)


class Cutout:
    """Set a square of each image to zero (DeVries and Taylor 2017).

    Its centre is any pixel, so the square may reach over the edge.

    Parameters
    ----------
    size : int
        Length of its side, in pixels.

    Raises
    ------
    ValueError
        If `size` is less than 1.

    References
    ----------
    DeVries and Taylor 2017: Improved regularization of convolutional neural networks with
    Cutout, https://arxiv.org/abs/1708.04552.

    Examples
    --------
    >>> Cutout(1)(np.ones((1, 1, 5, 5), np.float32), np.random.default_rng(0)).sum()
    np.float32(24.0)
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1 pixel, found {size}")
        self.size = size

    @explained
    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n, _, height, width = _shape(images)
        top = rng.integers(height, size=(n, 1, 1, 1)) - self.size // 2
        left = rng.integers(width, size=(n, 1, 1, 1)) - self.size // 2
        y, x = np.arange(height)[:, None], np.arange(width)
        hidden = (y >= top) & (y < top + self.size) & (x >= left) & (x < left + self.size)
        return np.where(hidden, images.dtype.type(0), images)


def warp(images: np.ndarray, coords: np.ndarray) -> np.ndarray:
    """Sample images at any points, by bilinear interpolation; beyond the edge lie zeros.

    Parameters
    ----------
    images : array of shape (N, C, H, W)
        What is sampled.
    coords : array of shape (N, 2, H', W')
        The row and column, with fractions, that each pixel of the result shows.

    Returns
    -------
    array of shape (N, C, H', W')
        Of the dtype of `images`.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> image = np.array([[[[0.0, 1.0], [2.0, 3.0]]]], np.float32)
    >>> warp(image, np.array([[[[0.5]], [[0.5]]]], np.float32))
    array([[[[1.5]]]], dtype=float32)
    """
    n, channels, height, width = _shape(images)
    if coords.ndim != 4 or coords.shape[:2] != (n, 2):
        raise ValueError(f"coords must have shape ({n}, 2, H, W), found {coords.shape}")
    # A margin of zeros, one wide before and two wide after, so that any point clipped to it has its
    # four neighbours.
    rows, columns = height + 3, width + 3
    padded = np.zeros((n, rows, columns, channels), images.dtype)
    padded[:, 1:-2, 1:-2] = images.transpose(0, 2, 3, 1)
    pixels = padded.reshape(-1, channels)

    y = np.clip(coords[:, 0] + 1, 0, height + 1)
    x = np.clip(coords[:, 1] + 1, 0, width + 1)
    top, left = y.astype(np.intp), x.astype(np.intp)
    y = (y - top).astype(images.dtype)[..., None]
    x = (x - left).astype(images.dtype)[..., None]
    index = top * columns + left + (np.arange(n) * rows * columns)[:, None, None]

    upper = _between(pixels[index], pixels[index + 1], x)
    index += columns
    lower = _between(pixels[index], pixels[index + 1], x)
    return _between(upper, lower, y).transpose(0, 3, 1, 2)


def _between(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the point that lies the given share of the way from `a` to `b`; changes `b`."""
    b -= a
    b *= share
    b += a
    return b


def _gaussian(length: int, sigma: float) -> np.ndarray:
    """Return the matrix that smooths a line: (length, length + 2 * radius); its rows sum to 1."""
    radius = math.ceil(3 * sigma)
    offset = np.arange(length + 2 * radius) - np.arange(length)[:, None] - radius
    matrix: np.ndarray = np.exp(-0.5 * (offset / sigma) ** 2)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix.astype(np.float32)


def _shape(images: np.ndarray) -> tuple[int, int, int, int]:
    if images.ndim != 4 or images.dtype.kind != "f":
        raise ValueError(
            "images must be floating-point of shape (N, C, H, W), "
            f"found {images.dtype} of shape {images.shape}"
        )
    n, channels, height, width = images.shape
    return n, channels, height, width
