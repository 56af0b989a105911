"""Memory of arrays that are gone, kept for the next ones.

A step of training makes the same large arrays as the step before. The C library of Linux gives the
memory of large arrays back to the system, which hands it out again in pages of 4 KiB, each with a
fault and filled with zeros. ResNet-18 spent a third of its time on that.
"""

from __future__ import annotations

import ctypes
import os

#: What `mallopt` of glibc calls them, and bytes: what is smaller than the first comes from the
#: heap, and what lies free at its end is given back only beyond the second.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = (-3, 2**27), (-1, 2**29)


def keep_freed() -> bool:
    """Let this process keep up to half a GiB of memory that it has freed; tell whether it does.

    This is for glibc; other systems keep memory by themselves. Who has set one of the environment
    variables ``MALLOC_...`` or ``GLIBC_TUNABLES`` keeps what they say.

    Examples
    --------
    >>> keep_freed() in (True, False)
    True
    """
    chosen = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    mallopt = None if chosen or os.name != "posix" else getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(name, size) for name, size in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
