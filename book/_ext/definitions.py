"""Functions, methods and classes of the package by name: their code, and where it stands.

They are found in the files alone. Nothing is imported, so that the hook which compares notebooks with
their pages needs neither Sphinx nor what the package needs.
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Listing:
    """The lines of a definition."""

    name: str  #: without its modules, such as MaxPool2d.backward
    path: Path
    first: int  #: number of the first line
    last: int
    code: str

    @property
    def file(self) -> str:
        """The path within the repository."""
        return self.path.relative_to(ROOT).as_posix()

    def address(self, repository: str, branch: str) -> str:
        """Return where these lines stand on the web."""
        return f"{repository}/blob/{branch}/{self.file}#L{self.first}-L{self.last}"


def listing(name: str, docstring: bool = False) -> Listing:
    """Return the source of a function, method or class of the package.

    Parameters
    ----------
    name : str
        With its module, or with one that hands it on, as in ``dlcourse.nn.MaxPool2d.backward``. A
        method may be one that the class inherits.
    docstring : bool
        Whether to keep what the code says of itself.

    Raises
    ------
    ValueError
        If there is no such thing.
    """
    try:
        module, names = _split(name)
        path, node = _find(_file(module), names)
    except LookupError as error:
        raise ValueError(
            "expected a function, method or class of the package, such as "
            f"dlcourse.nn.MaxPool2d.backward, found {name!r} ({error.args[0]})"
        ) from None
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    lines = path.read_text(encoding="utf-8").split("\n")[first - 1 : last]
    code = textwrap.dedent("\n".join(lines))
    code = code if docstring else without_docstrings(code)
    return Listing(".".join(names), path, first, last, code)


def without_docstrings(code: str) -> str:
    """Return a definition without its docstring and without those inside."""
    lines, said = code.split("\n"), set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, _Definition) and ast.get_docstring(node):
            text = node.body[0]
            end = text.end_lineno or text.lineno
            if end < len(lines) and not lines[end].strip():
                end += 1  # the empty line below it
            said |= set(range(text.lineno - 1, end))
    return "\n".join(line for number, line in enumerate(lines) if number not in said)


def _file(module: str) -> Path:
    """Return the file of a module."""
    path = ROOT / "src" / Path(*module.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.exists():
            return file
    raise LookupError(f"there is no module {module}")


def _split(name: str) -> tuple[str, list[str]]:
    """Return the module that a name begins with, and what is left."""
    parts = name.split(".")
    _file(parts[0])
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            _file(module)
        except LookupError:
            continue
        break
    if end == len(parts):
        raise LookupError("that is a module")
    return module, parts[end:]


@cache
def _tree(path: Path, changed: int) -> ast.Module:
    """Return a file as a tree, which is read again when the file has changed."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _find(path: Path, names: list[str]) -> tuple[Path, _Definition]:
    """Return the definition that a name has in a file, and the file where it stands."""
    tree = _tree(path, path.stat().st_mtime_ns)
    node = _named(tree.body, names[0])
    if node is None:
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module:
                for alias in statement.names:
                    if names[0] == (alias.asname or alias.name):
                        source = _file(statement.module)
                        if source != path:  # as in `from dlcourse import nn`
                            return _find(source, [alias.name, *names[1:]])
        where = path.relative_to(ROOT).as_posix()
        raise LookupError(f"{where} defines no function and no class {names[0]}")
    for name in names[1:]:
        for path, one in _lineage(path, node):
            member = _named(one.body, name)
            if member is not None:
                break
        else:
            raise LookupError(f"{names[0]} has no {name}")
        node = member
    return path, node


def _lineage(path: Path, node: _Definition) -> list[tuple[Path, _Definition]]:
    """Return a class of a file and those it derives from, in the order in which Python looks."""
    found = [(path, node)]
    for base in node.bases if isinstance(node, ast.ClassDef) else ():
        try:
            found += _lineage(*_find(path, ast.unparse(base).split(".")))
        except LookupError:
            continue  # a class of another package
    # A class comes after all that derive from it.
    return [one for at, one in enumerate(found) if one not in found[at + 1 :]]


def _named(body: list[ast.stmt], name: str) -> _Definition | None:
    """Return the last definition of that name, after those of ``overload``."""
    found = [node for node in body if isinstance(node, _Definition) and node.name == name]
    return found[-1] if found else None
