"""What is said of a data file whose bytes are not those that were published."""

from __future__ import annotations

import hashlib
from pathlib import Path


class DataFileError(ValueError):
    """A data file is damaged or another than the published one."""


def read_bytes(path: Path, remedy: str) -> bytes:
    """Return the content of a file, or say what to do about it when it is missing.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file; {remedy}") from None


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
