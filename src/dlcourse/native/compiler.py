"""The C compiler of this machine: which one there is, and what it is told."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dlcourse.files import one_line

#: Not -ffast-math: infinities and what is no number stay what they are.
FLAGS = (
    *("-std=gnu11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    "-fvisibility=hidden",
)

#: What makes the most of this processor, the first that a compiler knows. Apple's knows the second.
_NATIVE = (("-march=native",), ("-mcpu=native",), ())

#: GCC for Windows leaves vectors where its own instructions do not find them (its bug 54412).
_NAMES = () if sys.platform == "win32" else ("cc", "gcc", "clang")

#: The end of a library's name.
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def flags(system: str = sys.platform) -> tuple[str, ...]:
    """Return what to say to a compiler for a system, named as in ``sys.platform``.

    Examples
    --------
    >>> "-fPIC" in flags("linux"), "-fPIC" in flags("win32")
    (True, False)
    """
    if system == "win32":
        return FLAGS
    # C needs no unwind tables, and Zig's linker for macOS stumbles over some (its issue 25400).
    return (*FLAGS, "-fPIC", "-pthread", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")


def libraries(system: str = sys.platform) -> tuple[str, ...]:
    """Return what a library is linked with; see `flags`.

    Examples
    --------
    >>> libraries("linux")
    ('-lm',)
    """
    if system == "win32":
        # Zig would first compile a C library, for a minute; Windows has one.
        return ("-nostdlib", "-Wl,--no-entry", "-lkernel32", "-lucrtbase")
    return ("-lm",)


class CompilerError(Exception):
    """A compiler is not there, or does not compile: why, in words to follow its name."""


@dataclass(frozen=True)
class Compiler:
    """A compiler that answers."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    macros: str  #: all that it defines: they tell its version, and what this processor has

    @property
    def name(self) -> str:
        """What it is, its version, and how long the vectors are.

        >>> Compiler(("cc",), (), '#define __VERSION__ "12.2.0"\\n#define BYTES 32').name
        'gcc 12.2.0, vectors of 32 bytes'
        """
        clang = re.search(r'__clang_version__ "([\d.]+)', self.macros)
        version = clang or re.search(r'__VERSION__ "([\d.]+)', self.macros)
        size = re.search(r"\bBYTES (\d+)", self.macros)
        return (
            f"{'clang' if clang else 'gcc'} {version[1] if version else 'of unknown version'}, "
            f"vectors of {size[1] if size else '?'} bytes"
        )

    def compile(self, sources: Sequence[Path], options: Sequence[str], target: Path) -> None:
        """Make a library of C files, which are compiled side by side.

        Parameters
        ----------
        sources : sequence of Path
            The files.
        options : sequence of str
            What to say beside `flags`.
        target : Path
            The library; what else is made lies beside it.

        Raises
        ------
        CompilerError
            If that fails.
        OSError
            If the compiler cannot be run.
        """
        objects = [str(target.with_name(f"{source.stem}.o")) for source in sources]

        def compile_one(source: Path, into: str) -> None:
            _run([*self.command, *self.flags, *options, "-c", str(source), "-o", into])

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(compile_one, sources, objects))
        link = ["-shared", *objects, *libraries(), "-o", str(target)]
        _run([*self.command, *self.flags, *link])


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the commands of the compilers that there may be, best first.

    That is ``$CC`` alone if it is set; or those of the system, and then the one that the package
    ``ziglang`` brings.

    Examples
    --------
    >>> all(shutil.which(command[0]) for command in commands())
    True
    """
    if chosen := os.environ.get("CC"):
        try:
            words = shlex.split(chosen, posix=os.name == "posix")
        except ValueError:  # a quotation mark without its other half
            words = []
        yield tuple(words or [chosen])
        return
    found = filter(None, map(shutil.which, _NAMES))
    yield from dict.fromkeys((path,) for path in found if not _asks_to_be_installed(path))
    zig = importlib.util.find_spec("ziglang")
    for folder in zig.submodule_search_locations or () if zig else ():
        yield (os.path.join(folder, "zig"), "cc")


def ask(command: tuple[str, ...], header: Path) -> Compiler:
    """Return the compiler behind a command, with the flags for this processor that it knows.

    Parameters
    ----------
    command : tuple of str
        One of `commands`.
    header : Path
        What it defines is in `macros` too.

    Raises
    ------
    CompilerError
        If it cannot be run, or does not even read the header.
    """
    told = CompilerError("was not asked")
    for native in _NATIVE:
        told_to = (*flags(), *native)
        try:
            macros = _run([*command, *told_to, "-E", "-dM", "-x", "c", str(header)])
            return Compiler(command, told_to, macros)
        except OSError as error:
            raise CompilerError(f"cannot be run ({error.strerror})") from None
        except CompilerError as error:
            told = error
    raise told


def _asks_to_be_installed(path: str) -> bool:
    """Whether this is Apple's placeholder, which opens a window where there is no compiler yet."""
    return (
        sys.platform == "darwin"
        and path.startswith("/usr/bin/")
        and subprocess.run(["/usr/bin/xcode-select", "-p"], capture_output=True).returncode != 0
    )


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        lines = done.stderr.splitlines() or [f"it ended with status {done.returncode}"]
        first = next((line for line in lines if "error" in line), lines[0])
        raise CompilerError(f"does not compile them ({one_line(first)[:200]})")
    return done.stdout
