"""What the outputs of a page were made from, and what of it has changed since.

While a page runs, `recorder/sitecustomize.py` notes what its kernel and the Python processes that
it starts read: modules of the package (imported directly or not, at once or late), data and weights
in the repository, and packages of others. That is what a static look at imports would only guess.
A process that cannot be followed may have read anything, so such a page depends on all of
``src/dlcourse``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

RECORDER = Path(__file__).resolve().parent / "recorder"
#: What the value of a file is that changed while the page ran: which of the two was read?
UNKNOWN = "unknown"


def recording(file: Path, root: Path) -> dict[str, str]:
    """Return an environment in which Python notes in `file` what it reads below `root`."""
    paths = [str(RECORDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"PYTHONPATH": os.pathsep.join(paths), "PAGE_RECORD": str(file), "PAGE_ROOT": str(root)}
    return os.environ | ours


def recorded(file: Path, started: float, root: Path) -> dict[str, str]:
    """Return what was noted in `file` by a page that was started at that time, with its values."""
    found = {tuple(line.split("\t", 1)) for line in file.read_text().splitlines()}
    found |= {("python", ""), ("environment", "")}
    inputs = {}
    for kind, name in sorted(found):
        path = root / name
        if kind in ("file", "folder"):
            if not _ours(path, root):
                continue
            if kind == "file" and path.exists() and path.stat().st_mtime >= started:
                inputs[f"{kind} {name}"] = UNKNOWN
                continue
        inputs[f"{kind} {name}"] = _value(kind, name, root)
    return inputs


def changed(inputs: Mapping[str, str], root: Path) -> list[str]:
    """Return which of the inputs have another value now."""
    parts = ((key.partition(" "), value) for key, value in inputs.items())
    return [f"{kind} {name}" for (kind, _, name), old in parts if _value(kind, name, root) != old]


def _ours(path: Path, root: Path) -> bool:
    """Whether a path belongs to the sources: not to what is built or installed."""
    parts = path.relative_to(root).parts
    hidden = any(part.startswith(".") or part in ("_build", "__pycache__") for part in parts)
    return not hidden and not path.is_relative_to(sys.prefix)


def _value(kind: str, name: str, root: Path) -> str:
    path = root / name
    if kind == "file":
        return _digest([path])
    if kind == "folder":
        names = os.listdir(path) if path.is_dir() else []
        return " ".join(sorted(n for n in names if not n.startswith((".", "__pycache__"))))
    if kind == "package":
        return " ".join(sorted({f"{d} {_version(d)}" for d in _packages().get(name, ())}))
    if kind == "python":
        return platform.python_version()
    if kind == "environment":
        ours = sorted(item for item in os.environ.items() if item[0].startswith("DLCOURSE_"))
        return hashlib.sha256(repr(ours).encode()).hexdigest()  # one of them may be a secret
    if kind == "unseen":
        package = root / "src" / "dlcourse"
        return _digest(p for p in package.rglob("*") if "__pycache__" not in p.parts)
    return UNKNOWN


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            state = path.stat()
            digest.update(_read(path, state.st_mtime_ns, state.st_size))
    return digest.hexdigest()


@functools.cache
def _read(path: Path, mtime: int, size: int) -> bytes:
    """Return the digest of a file, which is read once for all pages as long as it stays."""
    return hashlib.sha256(path.read_bytes()).digest()


@functools.cache
def _version(distribution: str) -> str:
    return importlib.metadata.version(distribution)


@functools.cache
def _packages() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()
