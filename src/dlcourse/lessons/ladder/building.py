"""C sources of the ladder, compiled while a page runs."""

from __future__ import annotations

import ctypes
import functools
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.native.compiler import SUFFIX, Compiler, CompilerError, ask, commands
from dlcourse.native.library import FOLDER as HEADERS

_FOLDER = Path(__file__).parent / "c"
_C_NAMES = {"float32": "float", "float64": "double"}
_FLOAT32 = np.dtype(np.float32)
_LABEL = re.compile(r"^(\.?L\w+):")
_MULTIPLIES = re.compile(r"v?(fn?m(add|la|sub)|mul[sp])")


@functools.cache
def compiler() -> Compiler | None:
    """Return the C compiler that the kernels of the package are made with; None if there is none.

    Examples
    --------
    >>> compiler() is None or bool(compiler().name)
    True
    """
    for command in commands():
        try:
            return ask(command, HEADERS / "vector.h")
        except CompilerError:
            continue
    return None


def lanes(dtype: np.dtype[Any] = _FLOAT32) -> int:
    """Return how many values a vector register of this machine holds.

    Examples
    --------
    >>> lanes() == 2 * lanes(np.dtype(np.float64))  # doctest: +SKIP
    True
    """
    size = re.search(r"#define BYTES (\d+)", _there().macros)
    assert size is not None  # vector.h defines it
    return int(size[1]) // dtype.itemsize


def registers() -> int:
    """Return how many vector registers a program can name on this machine.

    Examples
    --------
    >>> registers() in (16, 32)  # doctest: +SKIP
    True
    """
    return 32 if re.search(r"#define (__AVX512F__|__aarch64__) ", _there().macros) else 16


def source(name: str) -> str:
    """Return a C source of the ladder.

    Parameters
    ----------
    name : str
        ``loops``, ``reordered``, ``register``, ``tile`` or ``peak``.

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
    made_by = _there()
    given = "".join(f"-{key}{value}" for key, value in sizes.items())
    target = Path(_scratch().name) / f"{name}-{dtype}{given}{SUFFIX}"
    try:
        made_by.compile([_FOLDER / f"{name}.c"], _options(dtype, sizes), target)
    except CompilerError as error:
        raise RuntimeError(f"{made_by.name}: {error}") from None
    return ctypes.CDLL(str(target))


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
        If there is no compiler.
    """
    made_by = _there()
    # On x86 in Intel's notation, which names the result first.
    notation = ["-masm=intel"] if platform.machine().lower() in ("x86_64", "amd64") else []
    options = [*_options(_FLOAT32, sizes), *notation, "-S", str(_FOLDER / f"{name}.c"), "-o", "-"]
    command = [*made_by.command, *made_by.flags, *options]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    loops: list[list[str]] = []
    begins: dict[str, int] = {}
    for i, line in enumerate(lines):
        if label := _LABEL.match(line):
            begins = {label[1]: i}  # a loop with a label inside is no innermost one
        elif line.split() and (start := begins.get(line.split()[-1])) is not None:
            instructions = (" ".join(inside.split()) for inside in lines[start + 1 : i + 1])
            loops.append([text for text in instructions if text[:1] not in (".", "#", "/")])
    return max(loops, key=lambda body: sum(_MULTIPLIES.match(text) is not None for text in body))


def _there() -> Compiler:
    found = compiler()
    if found is None:
        raise RuntimeError(
            "expected a C compiler, found none; install gcc or clang, or run pip install ziglang"
        )
    return found


def _options(dtype: np.dtype[Any], sizes: dict[str, int]) -> list[str]:
    given = {"REAL": _C_NAMES[dtype.name], **sizes}
    return [*(f"-D{key}={value}" for key, value in given.items()), f"-I{HEADERS}"]


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that goes with the process; Windows keeps a library that is loaded."""
    return tempfile.TemporaryDirectory(prefix="dlcourse-ladder-", ignore_cleanup_errors=True)
