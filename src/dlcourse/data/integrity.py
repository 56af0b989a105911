"""What is said about a data file whose bytes are not the published ones."""

from __future__ import annotations

import gzip
import hashlib
import io
from contextlib import AbstractContextManager
from pathlib import Path

from dlcourse.files import FileError, Found, reading


class DataFileError(FileError):
    """A data file is damaged, or is not the published one."""


def reading_data(path: Path, expected: str, remedy: str) -> AbstractContextManager[None]:
    """Return `dlcourse.files.reading` with what there is to say about a published file.

    Examples
    --------
    >>> with reading_data(Path("a.gz"), "a gzip file", "reinstall"):
    ...     pass
    Traceback (most recent call last):
    FileNotFoundError: a.gz: there is no such file; reinstall
    """
    missing = f"{path}: there is no such file; {remedy}"
    return reading(path, expected, remedy, missing=missing, error=DataFileError)


def read_at_most(path: Path, most: int) -> bytes:
    """Return the content of a file, if that is no more than `most` bytes; inside `reading`."""
    if path.stat().st_size > most:
        raise Found(f"one of more than {most:,} bytes")
    return path.read_bytes()


def gunzip(compressed: bytes, most: int) -> bytes:
    """Return what a gzip file holds, if that is no more than `most` bytes.

    A kilobyte may unpack to a megabyte, so what is not known to be right is not unpacked whole.

    Examples
    --------
    >>> gunzip(gzip.compress(b"abc"), 3)
    b'abc'
    >>> gunzip(gzip.compress(bytes(10**6)), 10)
    Traceback (most recent call last):
    dlcourse.files.Found: one that unpacks to more than 10 bytes
    """
    with gzip.GzipFile(fileobj=io.BytesIO(compressed)) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Found(f"one that unpacks to more than {most:,} bytes")
    return content


def check_sha256(content: bytes, sha256: str, path: Path, remedy: str) -> None:
    """Compare bytes with the checksum they were published with.

    Parameters
    ----------
    content : bytes
        What was read from `path`, perhaps decompressed.
    sha256 : str
        The checksum expected, 64 hexadecimal digits.
    path : Path
        The file, for the message.
    remedy : str
        What the reader of the message should do.

    Raises
    ------
    DataFileError
        If the checksums differ.

    Examples
    --------
    >>> check_sha256(b"abc", "0" * 64, Path("a.gz"), "reinstall")
    Traceback (most recent call last):
    dlcourse.data.integrity.DataFileError: a.gz: expected content with sha256 000000000000..., \
found ba7816bf8f01...; reinstall
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataFileError(
            f"{path}: expected content with sha256 {sha256[:12]}..., "
            f"found {found[:12]}...; {remedy}"
        )
