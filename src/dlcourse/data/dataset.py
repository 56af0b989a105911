"""`Dataset`: images with their labels; `batches`: the order in which training sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.backend import is_array
from dlcourse.habits import explained


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with one label each.

    Parameters
    ----------
    images : array of shape (N, C, H, W)
        float32, from 0 to 1.
    labels : array of shape (N,)
        int64, each the index of a class.
    classes : tuple of str
        The name of each class.

    Raises
    ------
    ValueError
        If a shape, a dtype or a value is not as above.

    Examples
    --------
    >>> images = np.zeros((3, 1, 28, 28), np.float32)
    >>> data = Dataset(images, np.array([1, 0, 1]), ("cat", "dog"))
    >>> len(data), data.classes[data.labels[0]]
    (3, 'dog')
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        for name, value in (("images", images), ("labels", labels)):
            if not is_array(value):
                raise TypeError(
                    f"{name} must be an array of NumPy or CuPy, found {type(value).__name__}"
                )
        if isinstance(self.classes, str) or not isinstance(self.classes, Sequence):
            raise TypeError(
                f"classes must be the names of the classes, found {self.classes!r}: "
                "write tuple(map(str, range(10)))"
            )
        count = len(self.classes)
        if images.ndim != 4 or images.dtype != np.float32:
            raise ValueError(
                "images must be float32 of shape (N, C, H, W), "
                f"found {images.dtype} of shape {images.shape}{_convert(images)}"
            )
        if labels.shape != images.shape[:1] or labels.dtype != np.int64:
            raise ValueError(
                f"labels must be int64 of shape {images.shape[:1]}, one for each image, "
                f"found {labels.dtype} of shape {labels.shape}: write labels.astype(np.int64)"
            )
        if images.size == 0:
            raise ValueError(f"a data set needs at least one image, found shape {images.shape}")
        low, high = images.min(), images.max()
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise ValueError(
                f"images must have values from 0 to 1, found {low:g} to {high:g}: divide bytes by "
                "255, and let the network normalise, BatchNorm2d(channels) as its first layer"
            )
        lowest, highest = labels.min(), labels.max()
        if lowest < 0 or highest >= count:
            raise ValueError(
                f"labels must lie from 0 to {count - 1} for {count} classes, "
                f"found {lowest if lowest < 0 else highest}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        """Return an image and its label, or the arrays of several.

        Examples
        --------
        >>> data = Dataset(np.zeros((5, 1, 2, 2), np.float32), np.arange(5), tuple("abcde"))
        >>> image, label = data[3]
        >>> image.shape, int(label)
        ((1, 2, 2), 3)
        """
        return self.images[index], self.labels[index]

    def __iter__(self) -> Iterator[tuple[np.ndarray, Any]]:
        return zip(self.images, self.labels, strict=True)

    def __repr__(self) -> str:
        n, c, h, w = self.images.shape
        return f"Dataset({n} images of shape ({c}, {h}, {w}), {len(self.classes)} classes)"

    def subset(self, indices: np.ndarray | slice) -> Dataset:
        """Return the images and labels at `indices`: positions, a mask or a slice.

        Examples
        --------
        >>> data = Dataset(np.zeros((5, 1, 2, 2), np.float32), np.arange(5), tuple("abcde"))
        >>> data.subset(slice(3)).labels
        array([0, 1, 2])
        """
        return Dataset(self.images[indices], self.labels[indices], self.classes)

    @explained
    def split(self, n: int, rng: np.random.Generator) -> tuple[Dataset, Dataset]:
        """Hold out `n` images, drawn at random: choices are made on these, never on the test set.

        Both parts keep the order of the whole.

        Parameters
        ----------
        n : int
            Images to hold out; at least one, and at least one must be left.
        rng : numpy.random.Generator
            Draws which ones.

        Returns
        -------
        rest, held_out : Dataset

        Raises
        ------
        ValueError
            If `n` is out of range.

        Examples
        --------
        >>> data = Dataset(np.zeros((5, 1, 2, 2), np.float32), np.arange(5), tuple("abcde"))
        >>> rest, held_out = data.split(2, np.random.default_rng(0))
        >>> len(rest), len(held_out)
        (3, 2)
        """
        if not 0 < n < len(self):
            raise ValueError(
                f"n must lie from 1 to {len(self) - 1} to split {len(self)} images, found {n}"
            )
        held_out = np.zeros(len(self), bool)
        held_out[rng.choice(len(self), n, replace=False)] = True
        return self.subset(~held_out), self.subset(held_out)


@explained
def batches(
    length: int, batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Return the indices of each batch of one epoch, in turn.

    Every index comes once; the last batch takes what is left over.

    Parameters
    ----------
    length : int
        Images in the data set.
    batch_size : int
        Images per batch.
    rng : numpy.random.Generator, optional
        Shuffles; without it the order is that of the data set.

    Raises
    ------
    ValueError
        If `batch_size` is less than 1.

    Examples
    --------
    >>> list(batches(5, 2))
    [array([0, 1]), array([2, 3]), array([4])]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, found {batch_size}")
    order = np.arange(length) if rng is None else rng.permutation(length)
    return (order[start : start + batch_size] for start in range(0, length, batch_size))


def _convert(images: np.ndarray) -> str:
    if images.ndim == 3:
        return ": write images[:, None] for images of one channel"
    if images.dtype.kind in "iu":
        return ": write images.astype(np.float32) / 255"
    return ": write images.astype(np.float32)" if images.ndim == 4 else ""
