"""Files written so that nothing half-written is left behind, and read without trusting them.

Every reader works inside `reading`, so that whatever is wrong with a file ends in one sentence
that names it. A size that a file declares is compared with what it can hold before memory is taken.
"""

from __future__ import annotations

import glob
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl
#: The most bytes of JSON that are read; as Python objects they may take twenty times as many.
_MOST_JSON = 2**24
#: The end of the names of files that are being written.
_UNFINISHED = ".unfinished"


class FileError(ValueError):
    """A file is damaged, or is not the expected one."""


class Found(Exception):  # it reads as what it says
    """What a reader found in place of what it expected: raised inside `reading`."""


@contextmanager
def reading(
    path: str | os.PathLike[str],
    expected: str,
    remedy: str,
    *,
    missing: str | None = None,
    error: type[FileError] = FileError,
) -> Iterator[None]:
    """Turn anything that goes wrong while a file is read into one sentence that names it.

    Libraries raise nearly anything on a damaged file, from ``KeyError`` to ``MemoryError``.

    Parameters
    ----------
    path : path-like
        The file.
    expected : str
        What it should be, as in "a picture".
    remedy : str
        What to do if it is not.
    missing : str, optional
        What to say, in place of the usual sentence, if there is no such file.
    error : type
        What to raise.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    PermissionError
        If it may not be read.
    FileError
        If anything else goes wrong in the block. The block says what it found to be wrong by
        raising `Found`; a `FileError` of its own passes unchanged.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"10 apples")
    >>> try:
    ...     with reading(path, "a number", "write digits alone"):
    ...         int(path.read_text())
    ... except FileError as error:
    ...     print(str(error).replace(str(path), "a.txt"))
    a.txt: expected a number, found a file that cannot be read (ValueError: invalid literal for \
int() with base 10: '10 apples'); write digits alone
    """
    try:
        # A pipe or a device may have no end.
        if not stat.S_ISREG(mode := os.stat(path).st_mode):
            raise Found("a folder" if stat.S_ISDIR(mode) else "something that is not a file")
        yield
        return
    except FileError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        usual = f"{os.fspath(path)}: there is no such file; check the name"
        raise FileNotFoundError(missing or usual) from None
    except PermissionError:
        raise PermissionError(
            f"{os.fspath(path)}: this file may not be read; change its permissions"
        ) from None
    except Found as reason:
        found, cause = one_line(str(reason)[:1000]), reason.__cause__
    except Exception as reason:
        found, cause = f"a file that cannot be read ({_brief(reason)})", reason
    raise error(f"{os.fspath(path)}: expected {expected}, found {found}; {remedy}") from cause


def read_json(
    path: str | os.PathLike[str],
    expected: str = "a JSON object",
    remedy: str = "the file is damaged or of another kind",
    *,
    kind: type = dict,
) -> Any:
    """Read a JSON file whose outermost value is of the given type; see `reading` for the rest.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> write_json(path, {"seed": 0})
    >>> read_json(path, "a record", "make it again")
    {'seed': 0}
    """
    with reading(path, expected, remedy):
        if os.path.getsize(path) > _MOST_JSON:
            raise Found(f"more than {_MOST_JSON:,} bytes")
        data = json.loads(Path(path).read_bytes())
        if not isinstance(data, kind):
            raise Found(f"JSON of a {type(data).__name__}")
        return data


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for writing that gets its name only once it is complete.

    The bytes go to a temporary file in the same folder, which is flushed to disk and then
    renamed. An error, or a killed process, leaves the old file (if any) as it was. What killed
    processes have left of this file is removed; what one is still writing stays.

    Parameters
    ----------
    path : path-like
        The file to write. Missing folders above it are made.

    Raises
    ------
    OSError
        If it cannot be written; ``filename`` is `path`, not the temporary file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_write(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    path = Path(path)
    temporary = None
    try:
        _check_target(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        handle, temporary = _temporary(path)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files only the owner reads
            if sys.platform != "win32":  # while the lock still shows that it is in use
                os.replace(temporary, path)
        if sys.platform == "win32":  # which renames no open file
            os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename in (None, temporary):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise now what `atomic_write` would raise after the work; nothing is left behind.

    What killed processes have left of this file is removed.

    Raises
    ------
    OSError
        If the file cannot be written there.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> check_writable(folder + "/new/a.txt")
    >>> os.listdir(folder)
    []
    """
    path = Path(path)
    _check_target(path)
    _remove_leftovers(path)
    try:
        with suppress(FileNotFoundError):
            path.lstat()  # a name may be too long
        above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        with tempfile.NamedTemporaryFile(dir=above, prefix=f".{path.name}."):
            pass
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def user_cache() -> Path:
    """Return the folder for what this package has fetched or made once and can have again.

    Examples
    --------
    >>> user_cache().is_absolute()
    True
    """
    import platformdirs  # it takes a while, and most processes do not ask

    return Path(platformdirs.user_cache_dir("dlcourse"))


def user_data() -> Path:
    """Return the folder for what this package keeps for its user, and cannot have again.

    Examples
    --------
    >>> user_data().is_absolute()
    True
    """
    import platformdirs

    return Path(platformdirs.user_data_dir("dlcourse"))


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a lock that only one process can have; it is gone with the process, however that ends.

    Parameters
    ----------
    path : path-like
        The file that is locked. It is made, and removed at the end.

    Raises
    ------
    BlockingIOError
        If another process, or another part of this one, has it.

    Examples
    --------
    >>> path = tempfile.mkdtemp() + "/lock"
    >>> with locked(path), locked(path):
    ...     pass
    Traceback (most recent call last):
    ...
    BlockingIOError: another process is at work here
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except BaseException:
            os.close(handle)
            raise
        # The previous holder has removed the file, perhaps since we opened it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                break
        os.close(handle)
    try:
        yield
    finally:
        if sys.platform == "win32":
            os.close(handle)
        with suppress(OSError):
            os.unlink(path)
        if sys.platform != "win32":
            os.close(handle)


def write_json(path: str | os.PathLike[str], data: Any) -> None:
    """Write JSON with line breaks, whole or not at all.

    Raises
    ------
    ValueError
        If a value is infinite or not a number; JSON cannot write those.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> write_json(path, {"seed": 0})
    >>> path.read_text()
    '{\\n "seed": 0\\n}\\n'
    """
    try:
        text = json.dumps(data, indent=1, allow_nan=False)
    except ValueError as error:
        raise ValueError(
            f"{os.fspath(path)}: expected finite numbers to write as JSON, found one that is not "
            f"({error}); nothing was written"
        ) from error
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def one_line(text: str) -> str:
    """Return a text on one line, with control codes written out: names in files may have any.

    Examples
    --------
    >>> one_line("a \\x1b[31m\\n name")
    'a \\\\x1b[31m name'
    """
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while writing this file have left beside it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_UNFINISHED}"):
        # On Windows no open file can be removed; elsewhere the lock shows that it is open.
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR)
            try:
                if sys.platform != "win32":
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink()
            finally:
                os.close(handle)
            if sys.platform == "win32":
                left.unlink()


def _temporary(path: Path) -> tuple[int, str]:
    """Make a temporary file beside `path`, locked as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(_UNFINISHED, f".{path.name}.", path.parent)
        if sys.platform != "win32":
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, name
        os.close(handle)  # `_remove_leftovers` of another process came in between


def _lock(handle: int) -> None:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if sys.platform == "win32" or isinstance(error, BlockingIOError):
            raise BlockingIOError("another process is at work here") from None
        # Else the file system has no locks: better to go on without.


def _check_target(path: Path) -> None:
    """Refuse what a new file must not replace, and places where none can be."""
    if os.path.lexists(path) and not path.is_file():
        found = "a folder" if path.is_dir() else "something that is not a plain file"
        raise FileExistsError(f"{path}: expected a file to write or a new name, found {found}")
    for folder in path.parents:
        if os.path.lexists(folder):
            if not folder.is_dir():
                raise NotADirectoryError(f"{folder}: expected a folder to write to, found a file")
            break


def _brief(error: Exception) -> str:
    """Return the kind and the beginning of an error's text, on one line without control codes."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = one_line(next(iter(text.splitlines()), "")[:100])
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
