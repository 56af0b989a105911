"""Reading the files of ``torch.save`` without torch, and without trusting them.

Such a file holds numbers and a pickle that says which of them belong to which array. A pickle is a
small program, and to run a stranger's could do anything. But a program can only call what it looks
up by name, and here `_Reader.find_class` gives it nothing but ``OrderedDict``, the names of number
types, and two functions that write down what they are told. So the worst a file can do is to
describe arrays that do not exist, and each description is checked against the file before an
array is made of it.

Both formats are read: the zip archive of torch 1.6 and later, and the older sequence of pickles.
"""

from __future__ import annotations

import math
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

_DTYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}

# The first pickle of an old file, and the version of its format.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class _BadFile(Exception):
    """What was found instead of what was expected."""


@dataclass(frozen=True)
class _Storage:
    """Numbers that lie one after another in the file."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """An array as a view of a storage; offset and strides count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the named arrays of a ``.pth`` file: the state of a module, as torch saves it.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    dict
        From name to array, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds anything else than arrays by name.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no weights file {path}; check the name")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _arrays(*_read_zip(archive))
        with path.open("rb") as file:
            return _arrays(*_read_old(file))
    except _BadFile as error:
        found = str(error)
    except Exception as error:  # a damaged pickle or zip can raise nearly anything
        found = f"something that cannot be read ({type(error).__name__})"
    raise ValueError(
        f"{path}: expected arrays by name, as torch.save writes a state_dict(), found {found}; "
        "the file is damaged or of another kind: save or download it again"
    )


def _read_zip(archive: zipfile.ZipFile) -> tuple[object, Callable[[_Storage], bytes]]:
    """Return what the archive describes, and how to get at the bytes of a storage."""
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise _BadFile("a zip archive without a data.pkl")
    folder = names[0].removesuffix("data.pkl")
    if folder + "byteorder" in archive.namelist():
        order = archive.read(folder + "byteorder").decode()
        if order != sys.byteorder:
            raise _BadFile(f"numbers in {order}-endian order")
    with archive.open(names[0]) as file:
        state = _Reader(file).load()
    return state, lambda storage: archive.read(f"{folder}data/{storage.key}")


def _read_old(file: IO[bytes]) -> tuple[object, Callable[[_Storage], bytes]]:
    """Return the same for a file of before torch 1.6: pickles, then the storages by their keys."""
    reader = _Reader(file)
    if reader.load() != _MAGIC or _Reader(file).load() != _PROTOCOL:
        raise _BadFile("another kind of file")
    system: Any = _Reader(file).load()
    if system["little_endian"] != (sys.byteorder == "little"):
        raise _BadFile("numbers in another byte order")
    reader = _Reader(file)
    state = reader.load()
    keys: Any = _Reader(file).load()
    contents = {}
    for key in keys:
        storage = reader.storages[key]
        count = int.from_bytes(file.read(8), sys.byteorder)
        if count != storage.count:
            raise _BadFile(f"{count} numbers where {storage.count} were announced")
        contents[key] = file.read(count * np.dtype(storage.dtype).itemsize)
    return state, lambda storage: contents[storage.key]


class _Reader(pickle.Unpickler):
    """Runs a pickle that can look up nothing but what describes arrays."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, shape, strides
            )
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        raise _BadFile(f"a {module}.{name}, which weights have no need of")

    def persistent_load(self, pid: Any) -> _Storage:
        # ("storage", type, key, device, count, ...)
        storage = _Storage(pid[1], pid[2], pid[4])
        return self.storages.setdefault(storage.key, storage)


def _arrays(state: object, content: Callable[[_Storage], bytes]) -> dict[str, np.ndarray]:
    """Make the arrays that `state` describes, once each description has proved right."""
    if not isinstance(state, dict):
        raise _BadFile(f"a {type(state).__name__} in place of a dictionary")
    arrays, flat = {}, {}
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise _BadFile(f"a {type(tensor).__name__} under the name {name!r}")
        storage = tensor.storage
        if storage.key not in flat:
            flat[storage.key] = np.frombuffer(content(storage), storage.dtype)
            if flat[storage.key].size != storage.count:
                raise _BadFile(f"too few numbers for {name}")
        numbers = flat[storage.key]
        shape, strides, size = tensor.shape, tensor.strides, math.prod(tensor.shape)
        last = tensor.offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        # No array has more numbers than its storage, so none is larger than the file.
        outside = size > numbers.size or (size > 0 and last >= numbers.size)
        if outside or min((tensor.offset, *shape, *strides)) < 0:
            raise _BadFile(f"a {name} that lies outside of its numbers")
        steps = [stride * numbers.itemsize for stride in strides]
        view = as_strided(numbers[tensor.offset :], shape, steps) if size else np.empty(shape)
        arrays[name] = view.astype(numbers.dtype)  # a copy, of its own memory
    return arrays
