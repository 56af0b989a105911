"""Files that are too large for the package: downloaded once, from whichever mirror answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]

from dlcourse.files import user_cache


class DownloadError(OSError):
    """No mirror gave the file."""


def data_folder() -> Path:
    """Return the folder that downloads go to.

    It is the one that the environment variable ``DLCOURSE_DATA`` names, or otherwise the user's
    cache.

    Examples
    --------
    >>> isinstance(data_folder(), Path)
    True
    """
    return Path(os.environ.get("DLCOURSE_DATA") or user_cache())


def fetch(name: str, checksum: str, urls: Sequence[str]) -> Path:
    """Return the path of a file in the data folder, downloading it when it is not there yet.

    A download gets its name only once it is complete and its checksum is right. A file that is
    there already is left for the caller to check.

    Parameters
    ----------
    name : str
        Where the file lies below the data folder, as in ``"cifar-10/images.tar.gz"``.
    checksum : str
        That of the file, as ``"md5:..."`` or ``"sha256:..."``; the first digits will do if no
        more of them were published.
    urls : sequence of str
        Tried in turn until one gives the right file.

    Raises
    ------
    DownloadError
        If none does; the message says why, and where to put the file by hand.
    """
    path = data_folder() / name
    if path.exists():
        return path
    # The time limit is for connecting and for each silence, not for the whole download.
    downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=2**16, timeout=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in urls:
        try:
            with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
                part = Path(folder) / path.name
                downloader(url, str(part), None)
                if not has_checksum(part, checksum):
                    raise ValueError("the file there has another checksum")
                os.replace(part, path)
            return path
        except (OSError, ValueError) as error:
            reasons.append(f"{urlsplit(url).netloc}: {_reason(error)}")
    raise DownloadError(
        f"{path.name} could not be downloaded ({'; '.join(reasons)}): connect to the internet "
        f"and try again, or put the file by hand at {path}, or set DLCOURSE_DATA to a folder "
        f"that has it as {name}"
    )


def has_checksum(path: Path, checksum: str) -> bool:
    """Return whether the checksum of a file begins as `checksum` (see `fetch`) says.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> _ = path.write_bytes(b"abc")
    >>> has_checksum(path, "sha256:ba7816bf"), has_checksum(path, "sha256:00000000")
    (True, False)
    """
    algorithm, digits = checksum.split(":")
    return bool(pooch.file_hash(str(path), algorithm).startswith(digits))


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code} {response.reason}"
    if type(error) is ValueError:
        return str(error)
    return getattr(error, "strerror", None) or type(error).__name__
