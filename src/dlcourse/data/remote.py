"""Files that are too large for the package: downloaded once, from whichever mirror answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pooch  # type: ignore[import-untyped]


class DownloadError(OSError):
    """No mirror gave the file."""


def data_folder() -> Path:
    """Return the folder that downloads go to.

    It is the one that the environment variable ``DLCOURSE_DATA`` names, or else the user's
    cache.

    Examples
    --------
    >>> isinstance(data_folder(), Path)
    True
    """
    return Path(os.environ.get("DLCOURSE_DATA") or pooch.os_cache("dlcourse"))


def fetch(name: str, checksum: str, urls: Sequence[str]) -> Path:
    """Return the path of a file in the data folder, downloading it when it is not there yet.

    A download takes its name only once it is complete and its checksum is right. A file that
    is there already is left to the caller to check.

    Parameters
    ----------
    name : str
        Where the file lies below the data folder, as in ``"cifar-10/images.tar.gz"``.
    checksum : str
        Of the file, as ``"md5:..."`` or ``"sha256:..."``.
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
    # The time limit is on connecting and on each silence, not on the whole.
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=10)
    reasons = []
    for url in urls:
        try:
            pooch.retrieve(url, checksum, path.name, path.parent, downloader=downloader)
            return path
        except (OSError, ValueError) as error:
            reasons.append(f"{urlsplit(url).netloc}: {_reason(error)}")
    raise DownloadError(
        f"{path.name} could not be downloaded ({'; '.join(reasons)}): connect to the internet "
        f"and try again, or put the file by hand at {path}, or set DLCOURSE_DATA to a folder "
        f"that has it as {name}"
    )


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code} {response.reason}"
    if isinstance(error, ValueError):  # what pooch raises for a wrong checksum
        return "the file there has another checksum"
    return getattr(error, "strerror", None) or type(error).__name__
