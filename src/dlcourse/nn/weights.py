"""Weights on disk: a plain ``.npz`` of named arrays, never pickle."""

from __future__ import annotations

import math
import os
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy

from dlcourse.backend import Array, to_numpy
from dlcourse.files import FileError, Found, atomic_write, one_line, reading
from dlcourse.nn.module import Module
from dlcourse.nn.state import check_fit, fitted, put

#: The network with the most arrays has about a thousand, and Adam two for each parameter.
_MOST_ARRAYS = 10_000
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
#: A header of plain numbers takes 118 bytes.
_MOST_HEADER = 1000
#: Weights hardly shrink when compressed: a file that claims to hold this many times its size is
#: lying, unless that is still little.
_MOST_TIMES, _LITTLE = 16, 2**24


class Declared(NamedTuple):
    """What an array will be, as the header of its entry says."""

    shape: tuple[int, ...]
    dtype: np.dtype


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write named arrays to an ``.npz`` file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.npz"
    >>> save_arrays(path, {"layer.weight": np.ones(2)})
    >>> load_arrays(path)
    {'layer.weight': array([1., 1.])}
    """
    with atomic_write(path) as file:
        np.savez(file, **{name: to_numpy(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def load_arrays(
    path: str | os.PathLike[str],
    check: Callable[[Mapping[str, Declared]], None] | None = None,
) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file by name.

    Parameters
    ----------
    path : path-like
        The file.
    check : callable, optional
        Called with what the file declares before any array is unpacked; raises `FileError` if that
        is not wanted. Without it, compressed arrays must not be far larger than the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged or is not an ``.npz`` of plain arrays.
    """
    with reading_weights(path, "an .npz file of plain arrays"):
        if not zipfile.is_zipfile(path):
            raise Found("another kind of file")
        with zipfile.ZipFile(path) as archive:
            entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist()}
            if len(archive.infolist()) > _MOST_ARRAYS:
                raise Found(f"more than {_MOST_ARRAYS:,} arrays")
            if len(entries) < len(archive.infolist()):
                raise Found("two arrays of one name")
            if len(entries) != _promised(path, archive):
                raise Found("another number of arrays than its end tells")
            declared = {name: _declared(archive, entry) for name, entry in entries.items()}
            if check is not None:
                check(declared)
            else:
                most = max(_LITTLE, _MOST_TIMES * os.path.getsize(path))
                if sum(entry.file_size for entry in entries.values()) > most:
                    raise Found(f"arrays that unpack to more than {_MOST_TIMES} times its size")
            return {name: _unpacked(archive, entry) for name, entry in entries.items()}


def reading_weights(path: str | os.PathLike[str], expected: str) -> AbstractContextManager[None]:
    """Return `dlcourse.files.reading` with what there is to say about a weights file.

    Examples
    --------
    >>> with reading_weights("mine.npz", "an .npz file"):
    ...     pass
    Traceback (most recent call last):
    FileNotFoundError: there is no weights file mine.npz; check the name
    """
    return reading(
        path,
        expected,
        "the file is damaged or of another kind: save or download it again",
        missing=f"there is no weights file {os.fspath(path)}; check the name",
    )


def part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """Return the arrays whose names begin with a prefix, under the rest of their names.

    Examples
    --------
    >>> part({"model/bias": np.ones(1), "optimizer/step": np.zeros(1)}, "model/")
    {'bias': array([1.])}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def save_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Write the state of a module to an ``.npz`` file, whole or not at all."""
    save_arrays(path, module.state_dict())


def load_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Read the state of a module from an ``.npz`` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, holds other names or shapes than the module, or values that are not
        finite numbers; the module is then unchanged.
    """
    own, complaint = module.state_dict(), _complaint(module)

    def check(declared: Mapping[str, Declared]) -> None:
        with naming(path):
            check_fit(own, declared, complaint)

    put_weights(module, load_arrays(path, check), path)


def put_weights(module: Module, state: Mapping[str, Array], path: str | os.PathLike[str]) -> None:
    """Copy the arrays of a file into a module, as `Module.load_state_dict` does.

    Raises
    ------
    FileError
        If they do not fit, or are not finite numbers; the module is then unchanged.
    """
    with naming(path):
        pairs = fitted(module.state_dict(), state, _complaint(module), finite=True)
    put(pairs)


@contextmanager
def naming(path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Put the name of a file before the sentence that says why its arrays do not fit.

    Examples
    --------
    >>> with naming("a.npz"):
    ...     check_fit({"a": np.zeros(2)}, {}, "no fit")
    Traceback (most recent call last):
    dlcourse.files.FileError: a.npz: no fit: missing a
    """
    try:
        yield
    except ValueError as error:
        raise FileError(f"{path}: {one_line(str(error))}") from None


def _complaint(module: Module) -> str:
    return f"these weights do not fit {type(module).__name__}"


def _promised(path: str | os.PathLike[str], archive: zipfile.ZipFile) -> int:
    """Return how many entries the end of a zip file tells: damage in the directory may hide one."""
    with open(path, "rb") as file:
        file.seek(-22 - len(archive.comment), os.SEEK_END)
        (count,) = struct.unpack("<10xH10x", file.read(22))
    return int(count)


def _declared(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Declared:
    """Return what the header of an entry says, if the entry is as long as the header needs."""
    name = entry.filename
    with archive.open(entry) as file:
        if not name.endswith(".npy") or file.read(6) != npy.MAGIC_PREFIX:
            raise Found(f"an entry {name[:100]!r} that is not an array")
        version = tuple(file.read(2))
        if version not in _HEADERS:
            raise Found(f"{name[:100]!r} in version {version} of the format")
        shape, _, dtype = _HEADERS[version](file, _MOST_HEADER)
        if dtype.hasobject:
            raise Found("pickled objects")
        size = file.tell() + math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != entry.file_size:
        raise Found(f"{name[:100]!r} with {entry.file_size:,} bytes, where it declares {size:,}")
    return Declared(shape, dtype)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        array = npy.read_array(file, allow_pickle=False, max_header_size=_MOST_HEADER)
        file.read(1)  # at the end, and only there, the checksum is compared
        return array
