"""What a run was made on: versions and hardware, for its record."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

import dlcourse
from dlcourse import native


def versions() -> dict[str, str]:
    """Return what decides a result: Python, NumPy, its BLAS, this package and its kernels in C.

    Examples
    --------
    >>> versions()["dlcourse"] == dlcourse.__version__
    True
    """
    blas = [
        f"{lib['internal_api']} {lib['version']} ({lib.get('architecture', 'unknown kernel')})"
        for lib in threadpool_info()
        if lib["user_api"] == "blas"
    ]
    there, told = native.status()
    return {
        "dlcourse": dlcourse.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(blas) or "unknown",
        "kernels": told if there else "none",
    }


def hardware() -> dict[str, str | int]:
    """Return the processor's name, its cores and the operating system.

    Examples
    --------
    >>> hardware()["cores"] >= 1
    True
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
