"""The compiled kernels: made when they are first used, and kept for the next time.

They lie in the user's cache. A file is named by what decides its content (the sources, the flags,
the compiler, the processor), and by its content, so one that is out of date or damaged is not
found, and is made anew.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

# What only a first use needs is imported there, so that importing the package takes no longer.
from dlcourse.backend import Array
from dlcourse.expect import one_of
from dlcourse.kernels import C_NAMES, suit
from dlcourse.native.memory import keep_freed

if TYPE_CHECKING:
    from dlcourse.native.compiler import Compiler

FOLDER = Path(__file__).parent

#: A library that nobody has loaded for so many seconds is removed when another one is made.
_UNUSED = 30 * 24 * 3600

_log = logging.getLogger(__name__)
_lock = threading.Lock()


class _Found(NamedTuple):
    library: ctypes.CDLL | None
    told: str  # what made it; or why there is none, and what would help


_found: dict[np.dtype, _Found] = {}


def has_kernels(*arrays: Array) -> bool:
    """Tell whether kernels can serve these arrays.

    They must be NumPy's, and all be float32 or all float64.

    Examples
    --------
    >>> has_kernels(np.zeros(3, np.float16))
    False
    """
    return suit(np.ndarray, arrays) and library(arrays[0].dtype) is not None


def source(file: str) -> str:
    """Return the C of a file in this folder.

    Examples
    --------
    >>> print(source("pool.h").splitlines()[0])
    /* Work shared among threads, below Python. */
    """
    return (FOLDER / file).read_text(encoding="utf-8")


def library(dtype: np.dtype) -> ctypes.CDLL | None:
    """Return the kernels for a dtype, float32 or float64; None if there are none.

    The first call loads them, or compiles them if that was not done before, which takes a few
    seconds. It says so in a line of the log, or why there are none.

    Examples
    --------
    >>> kernels = library(np.dtype(np.float32))
    >>> kernels is library(np.dtype(np.float32))
    True
    """
    return (_found.get(dtype) or _find(dtype)).library


def status() -> tuple[bool, str]:
    """Tell whether there are kernels, and what made them, or what is missing and would help.

    Examples
    --------
    >>> there, told = status()
    >>> there == (library(np.dtype(np.float32)) is not None)
    True
    """
    found = _find(np.dtype(np.float32))
    return found.library is not None, found.told


def folder() -> Path:
    """Return where compiled kernels are kept.

    Examples
    --------
    >>> folder().name
    'kernels'
    """
    from dlcourse.files import user_cache

    return user_cache() / "kernels"


def _find(dtype: np.dtype) -> _Found:
    with _lock:
        if dtype not in _found:
            _found[dtype] = _load(dtype)
        return _found[dtype]


def _load(dtype: np.dtype) -> _Found:
    """Load the library, from the first compiler that makes one."""
    from dlcourse.native.compiler import CompilerError, ask, commands

    wanted = os.environ.get("DLCOURSE_KERNELS") or "on"
    one_of("DLCOURSE_KERNELS", wanted, ("on", "off"))
    if wanted == "off":
        return _Found(None, "switched off by DLCOURSE_KERNELS=off")
    remedy, reasons = "`python -m pip install ziglang` brings a compiler", []
    if os.environ.get("CC"):
        remedy = "CC has to name a C compiler, or not to be set"
    for command in commands():
        try:
            compiler = ask(command, FOLDER / "vector.h")
            made = ctypes.CDLL(str(_file(compiler, dtype)))
            keep_freed()
            return _Found(made, f"{compiler.name}, {' '.join(compiler.flags)}")
        except CompilerError as error:
            reasons.append(f"{' '.join(command)} {error}")
        except OSError as error:
            reasons.append(str(error))
            remedy = f"{folder()} has to be yours alone, to write to and to load programs from"
            break
    told = f"{'; '.join(reasons) or 'there is no C compiler'}; {remedy}"
    if all(found.library for found in _found.values()):  # else it was said for the other dtype
        _log.warning(
            f"dlcourse computes without its kernels in C, which is slower: {told} "
            "(DLCOURSE_KERNELS=off silences this)"
        )
    return _Found(None, told)


def _file(compiler: Compiler, dtype: np.dtype) -> Path:
    """Return the file of the library, which is made if it is not there yet.

    Of several processes one makes it and the others wait.
    """
    from dlcourse.files import locked

    sources = sorted(FOLDER.glob("*.[ch]"))
    key = _key(compiler, dtype, sources)
    if not folder().is_absolute():
        raise FileNotFoundError("you have no home folder, and HOME is not set")
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_others(folder())
    while True:
        if kept := _kept(key):
            return kept
        with ExitStack() as held:
            try:
                held.enter_context(locked(folder() / f"{key}.lock"))
            except BlockingIOError:
                time.sleep(0.05)
                continue
            return _kept(key) or _make(compiler, dtype, sources, key)


def _key(compiler: Compiler, dtype: np.dtype, sources: list[Path]) -> str:
    parts = [*compiler.command, *compiler.flags, compiler.macros, dtype.name]
    for path in sources:
        parts += [path.name, path.read_text(encoding="utf-8")]
    return _hash("\0".join(parts).encode())


def _kept(key: str) -> Path | None:
    """Return the file in the cache, if it is there and whole."""
    for path in folder().glob(f"{key}-*"):
        if path.stem == f"{key}-{_digest(path)}":
            _refuse_others(path)
            with suppress(OSError):  # it may be somebody else's to write to
                os.utime(path)
            return path
    return None


def _tidy() -> None:
    """Remove what has not been used for long, and what a process that was killed has left."""
    for path in folder().iterdir():
        with suppress(OSError):  # on Windows it may be in use
            if time.time() - path.stat().st_mtime < _UNUSED:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _make(compiler: Compiler, dtype: np.dtype, sources: list[Path], key: str) -> Path:
    from dlcourse.native.compiler import SUFFIX

    begin = time.monotonic()
    _tidy()
    with tempfile.TemporaryDirectory(prefix=".", dir=folder()) as scratch:
        made = Path(scratch) / f"kernels{SUFFIX}"
        files = [path for path in sources if path.suffix == ".c"]
        compiler.compile(files, (f"-DREAL={C_NAMES[dtype]}",), made)
        made.chmod(0o700)
        target = folder() / f"{key}-{_digest(made)}{SUFFIX}"
        os.replace(made, target)
    ctypes.CDLL(str(target))  # before it is praised: the folder may be one without programs
    _log.warning(
        f"dlcourse compiled its kernels in C for {dtype.name} in {time.monotonic() - begin:.1f} s, "
        f"once for this machine, into {folder()}"
    )
    return target


def _digest(path: Path) -> str:
    return _hash(path.read_bytes())


def _hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()[:32]


def _refuse_others(path: Path) -> None:
    """Raise if another user could have put there what is about to be run; root can anyway."""
    if os.name != "posix":
        return  # Windows keeps a user's folder from others
    about = path.stat()
    if about.st_uid not in (0, os.getuid()):
        raise PermissionError(f"{path} belongs to another user and is not loaded: remove it")
    if about.st_mode & 0o022:
        raise PermissionError(f"{path} may be written by others and is not loaded: remove it")


def _after_fork() -> None:
    """In a child nobody is at work on what another thread of its parent was making."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
