"""The compiled kernels: made when they are first used, and kept for the next time."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
from pathlib import Path

import numpy as np

_FLAGS = "-O3 -march=native -ffp-contract=fast -fno-math-errno -fno-trapping-math -shared -fPIC"


@functools.cache
def library(dtype: np.dtype) -> ctypes.CDLL | None:
    """Return the kernels for a dtype, float32 or float64; None if there are none.

    Placeholder until compiler and cache are there.
    """
    folder = Path(__file__).parent
    real = {"float32": "-DREAL=float", "float64": "-DREAL=double"}[dtype.name]
    target = Path(tempfile.mkdtemp()) / "kernels.so"
    files = [str(path) for path in sorted(folder.glob("*.c"))]
    subprocess.run(["cc", *_FLAGS.split(), real, *files, "-lpthread", "-o", target], check=True)
    return ctypes.CDLL(str(target))
