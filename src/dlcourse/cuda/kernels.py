"""Finding, compiling and launching the kernels."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from types import ModuleType
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module

#: What REAL can be in a kernel.
_C_NAMES = {"float32": "float", "float64": "double"}

#: Kernels count values in 32 bits.
_MOST_VALUES = 2**31 - 1

#: Threads of a block; every GPU allows 1,024.
_BLOCK = 256

#: With this many blocks a GPU is busy; beyond that each thread takes several values.
_MOST_BLOCKS = 2**16

_off = False


def has_kernels(*arrays: Array) -> bool:
    """Tell whether kernels can serve these arrays.

    They must lie on a GPU, all be float32 or all float64, and have fewer than 2 ** 31 values.

    Examples
    --------
    >>> has_kernels(np.zeros(3, np.float32))
    False
    """
    first = arrays[0]
    if isinstance(first, np.ndarray) or _off:
        return False
    xp = array_module(first)
    return xp is not np and all(
        isinstance(a, xp.ndarray)
        and a.dtype == first.dtype
        and a.dtype.name in _C_NAMES
        and a.size <= _MOST_VALUES
        for a in arrays
    )


@contextmanager
def plain() -> Iterator[None]:
    """Do without kernels inside a ``with`` statement, to compare.

    Examples
    --------
    >>> with plain():
    ...     has_kernels(np.zeros(3, np.float32))
    False
    """
    global _off
    before, _off = _off, True
    try:
        yield
    finally:
        _off = before


def source(file: str) -> str:
    """Return the CUDA C of a file in this folder.

    Examples
    --------
    >>> print(source("relu").splitlines()[3].strip())
    // Each thread takes the value of its number, then those a whole grid further on.
    """
    return resources.files(__package__).joinpath(f"{file}.cu").read_text()


def launch(
    file: str,
    name: str,
    arrays: tuple[Array, ...],
    numbers: tuple[Any, ...],
    grid: tuple[int, ...],
    block: tuple[int, ...] = (_BLOCK,),
) -> None:
    """Launch a kernel on arrays of one dtype, and numbers that already have their C types."""
    xp = array_module(arrays[0])
    kernel = _compiled(xp, file, arrays[0].dtype.name).get_function(name)
    kernel(grid, block, (*arrays, *numbers))


def launch_for_each(
    count: int, file: str, name: str, arrays: tuple[Array, ...], numbers: tuple[Any, ...]
) -> None:
    """Launch a kernel whose last parameter is the number of values; for none do nothing."""
    if count:
        blocks = min(-(-count // _BLOCK), _MOST_BLOCKS)
        launch(file, name, arrays, (*numbers, np.uint32(count)), (blocks,))


@functools.cache
def _compiled(xp: ModuleType, file: str, dtype: str) -> Any:
    return xp.RawModule(code=source(file), options=(f"-DREAL={_C_NAMES[dtype]}",))
