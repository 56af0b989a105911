"""C sources of the ladder, compiled while a page runs."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import dlcourse.native

_FOLDER = Path(__file__).parent / "c"
_HEADERS = Path(dlcourse.native.__file__).parent
#: No -ffast-math: NaN and infinity go where they go in NumPy.
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
_FLOAT32 = np.dtype(np.float32)
_LABEL = re.compile(r"^(\.?L\w+):")
_MULTIPLIES = re.compile(r"v?(fn?m(add|la|sub)|mul[sp])")


def compiler() -> list[str] | None:
    """Return the command that compiles C on this machine, or None if there is none.

    It is the system's, or the one that the package ``ziglang`` brings.
    """
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    return [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None


def version() -> str:
    """Return how the compiler calls itself; an empty text if there is none.

    Examples
    --------
    >>> bool(version()) == (compiler() is not None)
    True
    """
    command = compiler()
    if command is None:
        return ""
    told = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()[0]


def source(name: str) -> str:
    """Return a C source of the ladder.

    Parameters
    ----------
    name : str
        ``loops``, ``reordered``, ``register``, ``tile``, ``peak`` or ``machine``.

    Examples
    --------
    >>> "sum[p][q] += value * weights[q]" in source("tile")
    True
    """
    return (_FOLDER / f"{name}.c").read_text(encoding="utf-8")


@functools.cache
def build(name: str, dtype: np.dtype[Any] = _FLOAT32, **sizes: int) -> ctypes.CDLL:
    """Compile a source for this machine, and load it.

    Parameters
    ----------
    name : str
        See `source`.
    dtype : dtype
        float32 or float64.
    **sizes : int
        What the source leaves open: ``P``, ``Q`` and, if they are known, ``CHANNELS`` of a tile;
        ``SUMS`` of the peak.

    Raises
    ------
    RuntimeError
        If there is no compiler, or it refuses the source.
    """
    given = "".join(f"-{key}{value}" for key, value in sizes.items())
    path = Path(_folder().name) / f"{name}-{dtype}{given}.so"
    _compile(name, dtype, sizes, "-shared", "-fPIC", "-o", str(path))
    return ctypes.CDLL(str(path))


def lanes(dtype: np.dtype[Any] = _FLOAT32) -> int:
    """Return how many values a vector register of this machine holds.

    Examples
    --------
    >>> lanes() == 2 * lanes(np.dtype(np.float64))  # doctest: +SKIP
    True
    """
    return int(build("machine", dtype).lanes())


def registers() -> int:
    """Return how many vector registers a program can name on this machine.

    Examples
    --------
    >>> registers() in (16, 32)  # doctest: +SKIP
    True
    """
    return int(build("machine").registers())


def inner_loop(name: str, **sizes: int) -> list[str]:
    """Return the instructions of the innermost loop that multiplies most, as the compiler wrote it.

    Parameters
    ----------
    name : str
        See `source`.
    **sizes : int
        As in `build`.

    Raises
    ------
    RuntimeError
        As in `build`.
    """
    # On x86 in Intel's notation, which names the result first.
    notation = ["-masm=intel"] if platform.machine().lower() in ("x86_64", "amd64") else []
    lines = _compile(name, _FLOAT32, sizes, "-S", *notation, "-o", "-").splitlines()
    loops: list[list[str]] = []
    begins: dict[str, int] = {}
    for i, line in enumerate(lines):
        if label := _LABEL.match(line):
            begins = {label[1]: i}  # a loop with a label inside is no innermost one
        elif line.split() and (start := begins.get(line.split()[-1])) is not None:
            instructions = (" ".join(inside.split()) for inside in lines[start + 1 : i + 1])
            loops.append([text for text in instructions if text[:1] not in (".", "#", "/")])
    return max(loops, key=lambda body: sum(_MULTIPLIES.match(text) is not None for text in body))


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that goes with the process; Windows keeps a library that is loaded."""
    return tempfile.TemporaryDirectory(prefix="dlcourse-ladder-", ignore_cleanup_errors=True)


def _compile(name: str, dtype: np.dtype[Any], sizes: dict[str, int], *more: str) -> str:
    command = compiler()
    if command is None:
        raise RuntimeError(
            "expected a C compiler, found none; install gcc or clang, or run pip install ziglang"
        )
    real = {"float32": "float", "float64": "double"}[dtype.name]
    macros = [f"-D{key}={value}" for key, value in {"REAL": real, **sizes}.items()]
    arguments = [*FLAGS, *macros, f"-I{_HEADERS}", str(_FOLDER / f"{name}.c"), *more]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} refuses {name}.c:\n{result.stderr}")
    return result.stdout
