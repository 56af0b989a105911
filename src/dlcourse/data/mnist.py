"""MNIST: handwritten digits, whole and inside the package."""

from __future__ import annotations

import os
from pathlib import Path

from dlcourse.data.dataset import Dataset
from dlcourse.data.idx import load_idx_dataset

_EMBEDDED = Path(__file__).with_name("files") / "mnist"

#: The sha256 of each of the `FILES`, decompressed.
_CHECKSUMS = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)


def load_mnist(folder: str | os.PathLike[str] | None = None) -> tuple[Dataset, Dataset]:
    """Load MNIST: 60,000 digits to train on and 10,000 to test on, 28 x 28, white on black.

    The files are part of the package; each is compared with its published checksum every time.

    Parameters
    ----------
    folder : path-like, optional
        Read the four files from here instead.

    Returns
    -------
    train, test : Dataset
        Images of shape (N, 1, 28, 28).

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataFileError
        If a file is damaged.

    References
    ----------
    LeCun et al. 1998: Gradient-based learning applied to document recognition.

    Examples
    --------
    >>> train, test = load_mnist()
    >>> train
    Dataset(60000 images of shape (1, 28, 28), 10 classes)
    >>> test.labels[:5]
    array([7, 2, 1, 0, 4])
    """
    if folder is None:
        remedy = "reinstall the package from its repository"
    else:
        remedy = "replace it, or leave `folder` out to read the files inside the package"
    classes = tuple("0123456789")
    return load_idx_dataset(Path(folder or _EMBEDDED), _CHECKSUMS, classes, remedy)
