"""Write down what the code of a page reads: files of this repository, and packages.

Python imports this module when it starts, where its folder stands in ``PYTHONPATH`` (see
tools/inputs.py), so the processes that a page starts are followed too. Each finding is one line,
added to the file that ``PAGE_RECORD`` names: a kind, a tab, and a name.
"""

from __future__ import annotations

import os
import sys
from importlib.util import source_from_cache
from typing import Any

_RECORD, _ROOT = os.environ.get("PAGE_RECORD"), os.environ.get("PAGE_ROOT", "") + os.sep
#: With one of these in its command Python does not import this module.
_ALONE = {"-I", "-E", "-S", "-i", "--clearenv"}
_seen: set[tuple[str, str]] = set()


def _note(kind: str, name: str) -> None:
    if (kind, name) not in _seen:
        _seen.add((kind, name))
        os.write(_file, f"{kind}\t{name}\n".encode())


def _note_path(kind: str, name: Any) -> None:
    """Note a path if it lies in the repository; a module's bytecode stands for its source."""
    if name is None or isinstance(name, int):  # a number is a file that is open already
        return
    path = os.path.abspath(os.fsdecode(name))
    if path.endswith(".pyc"):
        path = source_from_cache(path)
    if path.startswith(_ROOT):
        _note(kind, path[len(_ROOT) :])


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        if not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            _note_path("file", arguments[0])
    elif event in ("os.listdir", "os.scandir"):
        if "importlib" not in sys._getframe(1).f_code.co_filename:  # which looks for a module
            _note_path("folder", arguments[0] or ".")
    elif event == "subprocess.Popen":
        _, command, _, environment = arguments
        words = [] if isinstance(command, (str, bytes)) else [os.fsdecode(w) for w in command]
        for word in filter(os.path.isfile, words):  # a compiler, say, is no Python to be followed
            _note_path("file", word)
        python = any(os.path.basename(word).lower().startswith("python") for word in words)
        alone = python and _ALONE & {*words}
        if alone or (environment is not None and "PAGE_RECORD" not in environment):
            _note("unseen", "")


class _Packages:
    """A finder of modules that finds none, and notes the packages that are looked for."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        package = name.partition(".")[0]
        if package not in sys.stdlib_module_names:
            _note("package", package)


if _RECORD:
    _file = os.open(_RECORD, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    sys.meta_path.insert(0, _Packages)
    sys.addaudithook(_hear)
