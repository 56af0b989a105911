"""Progress bars that stop nothing when they cannot be shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tqdm.auto import tqdm


class Forgiving:
    """A stream that drops what cannot be written, as when a terminal is gone or a disk is full.

    Parameters
    ----------
    stream : file-like or None
        Where to write; None, Python's value where standard error is closed, for nowhere.

    Examples
    --------
    >>> Forgiving(None).write("lost")
    4
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, if possible."""
        with suppress(OSError, ValueError, AttributeError):  # ValueError: the file is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if possible."""
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def progress_bar(iterable: Iterable[Any] | None = None, *, show: bool, **options: Any) -> tqdm[Any]:
    """Return a bar of tqdm on standard error, or one that shows nothing.

    Parameters
    ----------
    iterable : iterable, optional
        What to go through; without it, ``update`` moves the bar.
    show : bool
        Whether to show it.
    **options
        As for ``tqdm``.

    Examples
    --------
    >>> list(progress_bar([1, 2], show=False))
    [1, 2]
    """
    # Not standard error itself, whose width tqdm would ask for.
    return tqdm(
        iterable, disable=not show, file=Forgiving(sys.stderr), dynamic_ncols=True, **options
    )
