"""The IDX format, in which MNIST and later Fashion-MNIST were published.

A file is a header and then the values, the last axis fastest. The header is two zero bytes, one
byte for the type of the values (8: unsigned bytes), one for the number of axes, and the length
of each axis as a big-endian 32-bit integer. Images and labels come in four gzipped files.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlcourse.data.dataset import Dataset
from dlcourse.data.integrity import check_sha256, gunzip, read_at_most, reading_data

#: The files of a data set: images and labels to train on, then those to test on.
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

#: Bytes that a file may have, packed or not: a third more than the largest of them, the training
#: images, unpacked.
_LARGEST = 2**26


def parse_idx(content: bytes) -> np.ndarray:
    """Return the array that the bytes of an IDX file stand for, without copying it.

    Raises
    ------
    ValueError
        If it isn't an IDX file of unsigned bytes, or has more or fewer values than its header
        says.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30]))
    array([[10, 20, 30]], dtype=uint8)
    """
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    if content[:3] != b"\0\0\x08" or len(content) < start:
        raise ValueError(
            "expected the header of an IDX file of unsigned bytes, "
            f"found the bytes {content[:4].hex(' ')}"
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    if math.prod(shape) != len(content) - start:
        raise ValueError(
            f"expected {math.prod(shape)} values of shape {shape} as the IDX header says, "
            f"found {len(content) - start}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def load_idx_dataset(
    folder: Path, checksums: Sequence[str], classes: tuple[str, ...], remedy: str
) -> tuple[Dataset, Dataset]:
    """Read the four files of MNIST or of a data set made like it.

    Parameters
    ----------
    folder : Path
        Where the `FILES` lie.
    checksums : sequence of str
        The sha256 of each of the `FILES`, decompressed: gzip files of the same content may differ.
    classes : tuple of str
        The name of each class.
    remedy : str
        What to do about a missing or damaged file.

    Returns
    -------
    train, test : Dataset

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    DataFileError
        If a file is damaged.
    """
    arrays = [
        _read(folder / name, sha256, remedy) for name, sha256 in zip(FILES, checksums, strict=True)
    ]
    train, test = (
        Dataset(np.divide(images[:, None], 255, dtype=np.float32), labels.astype(np.int64), classes)
        for images, labels in (arrays[:2], arrays[2:])
    )
    return train, test


def _read(path: Path, sha256: str, remedy: str) -> np.ndarray:
    with reading_data(path, "a whole gzip file", remedy):
        content = gunzip(read_at_most(path, _LARGEST), _LARGEST)
        check_sha256(content, sha256, path, remedy)
        return parse_idx(content)
