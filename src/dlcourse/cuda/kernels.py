"""Finding, compiling and launching the kernels."""

from __future__ import annotations

import functools
from importlib import resources
from types import ModuleType
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module
from dlcourse.kernels import C_NAMES, suit

#: Kernels count values in 32 bits.
_MOST_VALUES = 2**31 - 1

#: Threads of a block; every GPU allows 1,024.
_BLOCK = 256

#: With this many blocks a GPU is busy; beyond that each thread takes several values.
_MOST_BLOCKS = 2**16


def has_kernels(*arrays: Array) -> bool:
    """Tell whether kernels can serve these arrays.

    They must lie on a GPU, all be float32 or all float64, and have fewer than 2 ** 31 values.

    Examples
    --------
    >>> has_kernels(np.zeros(3, np.float32))
    False
    """
    xp = array_module(arrays[0])
    return xp is not np and suit(xp.ndarray, arrays) and all(a.size <= _MOST_VALUES for a in arrays)


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
    kernel = _compiled(xp, file, arrays[0].dtype).get_function(name)
    kernel(grid, block, (*arrays, *numbers))


def launch_for_each(
    count: int, file: str, name: str, arrays: tuple[Array, ...], numbers: tuple[Any, ...]
) -> None:
    """Launch a kernel whose last parameter is the number of values; for none do nothing."""
    if count:
        blocks = min(-(-count // _BLOCK), _MOST_BLOCKS)
        launch(file, name, arrays, (*numbers, np.uint32(count)), (blocks,))


@functools.cache
def _compiled(xp: ModuleType, file: str, dtype: np.dtype) -> Any:
    return xp.RawModule(code=source(file), options=(f"-DREAL={C_NAMES[dtype]}",))
