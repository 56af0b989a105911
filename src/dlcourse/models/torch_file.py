"""Reading the files of ``torch.save`` without torch, and without trusting them.

Such a file holds numbers and a pickle that says which of them belong to which array. A pickle is a
program for a small stack machine, and Python's own machine calls whatever it is told to call. So
the program runs on our own machine (`_described`), which has only the instructions that torch
writes, and instead of calling a function notes what was said about an array. The worst a file can
do is describe arrays that do not exist, and each description is checked against the file before an
array is made from it. All arrays together take no more memory than the file has bytes.

Both formats are read: the zip archive of torch 1.6 and later, and the older sequence of pickles.
"""

from __future__ import annotations

import io
import math
import os
import pickletools
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlcourse.files import Found
from dlcourse.nn.weights import reading_weights

_DTYPES = {
    "torch DoubleStorage": "f8",
    "torch FloatStorage": "f4",
    "torch HalfStorage": "f2",
    "torch BFloat16Storage": ml_dtypes.bfloat16,  # handed on as float32
    "torch LongStorage": "i8",
    "torch IntStorage": "i4",
    "torch ShortStorage": "i2",
    "torch CharStorage": "i1",
    "torch ByteStorage": "u1",
    "torch BoolStorage": "?",
}

_FUNCTIONS = (
    "collections OrderedDict",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_tensor_v2",
)

# The first pickle of an old file, and the version of its format.
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001

#: The pickle of a network with a thousand arrays has 30,000 instructions.
_MOST_INSTRUCTIONS = 1_000_000
#: An array of NumPy has no more axes than this.
_MOST_AXES = 64


class _Bounded(io.BufferedReader):
    """A file that is never asked for more than it has, since memory is taken before reading."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        return super().read(left if size is None or size < 0 else min(size, left))


@dataclass(frozen=True)
class _Function:
    """What the pickle looks up by name: a type of number, or a function of torch."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """Numbers that lie one after another in the file."""

    dtype: np.dtype[Any]
    key: str
    count: int

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize


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
        From name to array, in the order of the file. Names that stand for the same numbers in the
        same way, like those of tied weights, share an array. bfloat16 becomes float32.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, or holds anything other than arrays by name.
    """
    with (
        reading_weights(path, "arrays by name, as torch.save writes a state_dict()"),
        _Bounded(open(path, "rb", buffering=0)) as file,
    ):
        size = os.path.getsize(path)
        if not zipfile.is_zipfile(path):
            return _arrays(*_read_old(file, size), size)
        with zipfile.ZipFile(file) as archive:
            return _arrays(*_read_zip(archive, size), size)


def _read_zip(
    archive: zipfile.ZipFile, size: int
) -> tuple[object, Callable[[_Storage], bytes | bytearray]]:
    """Return what the archive describes, and how to get at the bytes of a storage."""
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise Found("a zip archive without a data.pkl")
    if sum(entry.file_size for entry in archive.infolist()) > size:
        raise Found("compressed or overlapping entries, which torch.save does not write")
    folder = names[0].removesuffix("data.pkl")
    if folder + "byteorder" in archive.namelist():
        order = archive.read(folder + "byteorder")[:9].decode()
        if order != sys.byteorder:
            raise Found(f"numbers in {order}-endian order")

    def content(storage: _Storage) -> bytes:
        name = f"{folder}data/{storage.key}"
        _check_count(storage, archive.getinfo(name).file_size)
        return archive.read(name)

    return _described(io.BytesIO(archive.read(names[0])), {}), content


def _read_old(file: IO[bytes], size: int) -> tuple[object, Callable[[_Storage], bytes | bytearray]]:
    """Return the same for a file from before torch 1.6: pickles, then storages by their keys."""
    storages: dict[str, _Storage] = {}
    if _described(file, {}) != _MAGIC or _described(file, {}) != _PROTOCOL:
        raise Found("another kind of file")
    system: Any = _described(file, {})
    if system["little_endian"] != (sys.byteorder == "little"):
        raise Found("numbers in another byte order")
    state = _described(file, storages)
    keys: Any = _described(file, {})
    if len(keys) > len(storages):
        raise Found(f"{len(keys):,} keys of {len(storages):,} storages")
    contents = {}
    for key in keys:
        count = int.from_bytes(file.read(8), sys.byteorder)
        storage = storages[key]
        _check_count(storage, count * storage.dtype.itemsize)
        if storage.nbytes > size - file.tell():
            raise Found(f"fewer numbers than the {count:,} that are announced")
        contents[key] = file.read(storage.nbytes)
    return state, lambda storage: contents[storage.key]


def _check_count(storage: _Storage, nbytes: int) -> None:
    if nbytes != storage.nbytes:
        raise Found(
            f"{nbytes:,} bytes for {storage.count:,} numbers, which take {storage.nbytes:,}"
        )


def _described(file: IO[bytes], storages: dict[str, _Storage]) -> Any:
    """Run a pickle up to its end, and return what it describes; nothing is called.

    The names of instructions are those of `pickletools`. What the pickle says about storages is
    added to `storages`, by key.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    argument: Any
    for number, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if number == _MOST_INSTRUCTIONS:
            raise Found(f"a pickle of more than {_MOST_INSTRUCTIONS:,} instructions")
        match opcode.name:
            case "PROTO":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                marks.append(len(stack))
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(opcode.name == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE":
                stack.append(argument)
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack[-int(opcode.name[-1]) :] = [tuple(stack[-int(opcode.name[-1]) :])]
            case "TUPLE":
                stack.append(tuple(since_mark()))
            case "EMPTY_LIST":
                stack.append([])
            case "APPEND":
                item = stack.pop()
                _expect(stack[-1], list).append(item)
            case "APPENDS":
                items = since_mark()
                _expect(stack[-1], list).extend(items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM" | "SETITEMS":
                items = (
                    since_mark() if opcode.name == "SETITEMS" else [stack.pop(), stack.pop()][::-1]
                )
                for key, value in zip(items[::2], items[1::2], strict=True):
                    _expect(stack[-1], dict)[_expect(key, str)] = value
            case "BINPUT" | "LONG_BINPUT":
                if argument > number:
                    raise Found("a pickle that numbers what it keeps as no writer does")
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "GLOBAL":
                if argument not in _DTYPES and argument not in _FUNCTIONS:
                    raise Found(f"a {argument.replace(' ', '.')}, which weights have no need of")
                stack.append(_Function(argument))
            case "BINPERSID":
                storage = _storage(stack.pop())
                stack.append(storages.setdefault(storage.key, storage))
            case "REDUCE":
                arguments = stack.pop()
                stack.append(_called(_expect(stack.pop(), _Function).name, arguments))
            case "BUILD":  # attributes: OrderedDict's _metadata, which weights have no need of
                _expect(stack[-2], dict)
                del stack[-1]
            case name:
                raise Found(f"the instruction {name} in a pickle, which weights have no need of")


def _called(name: str, arguments: tuple[Any, ...]) -> Any:
    """Return what a function that torch writes down would make from its arguments."""
    if name == "collections OrderedDict":
        return {}
    if name == "torch._utils _rebuild_parameter":
        return _expect(arguments[0], _Tensor)
    if name == "torch._utils _rebuild_tensor_v2":
        storage, offset, shape, strides, *_ = arguments
        _expect(storage, _Storage)
        _expect(shape, tuple)
        _expect(strides, tuple)
        if len(shape) > _MOST_AXES or len(shape) != len(strides):
            raise Found(f"an array of {len(shape)} axes with {len(strides)} strides")
        for whole in (offset, *shape, *strides):
            _expect(whole, int)
        return _Tensor(storage, offset, shape, strides)
    raise Found(f"a pickle that calls a {name}")


def _storage(pid: Any) -> _Storage:
    # ("storage", type, key, device, count, ...)
    _, kind, key, _, count, *_ = pid
    dtype = np.dtype(_DTYPES[_expect(kind, _Function).name])
    return _Storage(dtype, _expect(key, str), _expect(count, int))


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise Found(f"a pickle with a {type(value).__name__} in place of a {kind.__name__}")
    return value


def _arrays(
    state: object, content: Callable[[_Storage], bytes | bytearray], size: int
) -> dict[str, np.ndarray]:
    """Make the arrays that `state` describes, once each description has proved right."""
    if not isinstance(state, dict):
        raise Found(f"a {type(state).__name__} in place of a dictionary")
    for name, tensor in state.items():
        if not isinstance(tensor, _Tensor):
            raise Found(f"a {type(tensor).__name__} under the name {name!r}")
        _check_view(name, tensor)
    views = dict.fromkeys(state.values())
    if sum(math.prod(view.shape) * view.storage.dtype.itemsize for view in views) > size:
        raise Found("arrays that share their numbers, and take more memory than the file has bytes")
    flat: dict[str, np.ndarray] = {}
    made = {}
    for view in views:
        storage = view.storage
        if storage.key not in flat:
            flat[storage.key] = np.frombuffer(content(storage), storage.dtype)
        numbers = flat[storage.key]
        steps = [stride * numbers.itemsize for stride in view.strides]
        seen = as_strided(numbers[view.offset :], view.shape, steps)
        kept = np.float32 if storage.dtype == ml_dtypes.bfloat16 else storage.dtype
        made[view] = seen.astype(kept)  # a copy, of its own memory
    return {name: made[view] for name, view in state.items()}


def _check_view(name: str, tensor: _Tensor) -> None:
    shape, strides, count = tensor.shape, tensor.strides, tensor.storage.count
    size = math.prod(shape)
    if min((count, tensor.offset, *shape, *strides)) < 0:
        raise Found(f"an array {name!r} of negative sizes")
    if size > count:
        raise Found(
            f"an array {name!r} that repeats its numbers, as torch's expand() makes it: save a "
            "clone() of it"
        )
    last = tensor.offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if size > 0 and last >= count:
        raise Found(f"an array {name!r} that lies outside its numbers")
