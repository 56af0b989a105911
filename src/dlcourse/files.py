"""Writing files so that nothing half-written is ever left behind."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only once it is complete.

    The bytes go to a temporary file in the same folder, which is flushed to disk and then
    renamed. An error, or a killed process, leaves the old file (if any) as it was.

    Parameters
    ----------
    path : path-like
        The file to write. Missing folders above it are made.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_write(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only the owner reads
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path: str | os.PathLike[str], data: Any) -> None:
    """Write JSON with line breaks, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> write_json(path, {"seed": 0})
    >>> path.read_text()
    '{\\n "seed": 0\\n}\\n'
    """
    with atomic_write(path) as file:
        file.write(json.dumps(data, indent=1).encode() + b"\n")


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what processes that were killed while writing this file have left beside it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / ".a.txt.half").write_bytes(b"ha")
    >>> remove_leftovers(folder / "a.txt")
    >>> list(folder.iterdir())
    []
    """
    path = Path(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink(missing_ok=True)


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
