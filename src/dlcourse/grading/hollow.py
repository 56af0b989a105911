"""The package without the code that a task asks for.

In the worker the finished layers that a learner is to write are hollow: their names, signatures and
documentation are there, and whoever calls them is told that the exercise is to write that part.
"""

from __future__ import annotations

import ast
import compileall
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dlcourse
from dlcourse.check.work import COMMON, FINISHED, within

PACKAGE = Path(dlcourse.__file__).resolve().parent
#: Called while modules are imported, and of no use to a task.
_IMPORTING = (
    "dlcourse.applications.captioning.vocabulary.Vocabulary.__init__",
    "dlcourse.applications.generation.diffusion.NoiseSchedule.__post_init__",
    "dlcourse.applications.generation.diffusion.cosine_schedule",
    "dlcourse.applications.rl.exploration.LinearSchedule.__post_init__",
    "dlcourse.models.__getattr__",
    "dlcourse.models.pretrained.builder",
    "dlcourse.optim.averaging._inside",
    "dlcourse.zoo.classifiers.classifier",
    "dlcourse.zoo.entry.names",
    "dlcourse.zoo.networks",
    "dlcourse.zoo.recipe",
)
#: A notebook may load what a task may not look at, to play with; it is refused during a call.
_DATA = ("dlcourse.data",)
#: Not for the worker: weights, tools of the course.
_LEFT_OUT = ("zoo/entries", "doctor", "explore", "cli", "grading/release")


@dataclass(frozen=True)
class Allowed:
    """What `check.own_work` allows: see there."""

    allowed: tuple[str, ...] = ()
    but_not: tuple[str, ...] = ()

    def hollow(self, name: str) -> bool:
        """Return whether a function is not to be called, by its full name.

        >>> Allowed().hollow("dlcourse.nn.linear.Linear.forward")
        True
        >>> Allowed(("dlcourse.nn",)).hollow("dlcourse.nn.linear.Linear.forward")
        False
        """
        return within(name, self.but_not) or (
            within(name, FINISHED) and not within(name, COMMON + self.allowed)
        )


#: Everything may be called.
ALL = Allowed(FINISHED)


class Reader:
    """Reads from the tests of an assignment what each allows to be called.

    That is read from the calls of ``check.own_work`` in a cell, and in the functions of earlier
    cells that it uses.
    """

    def __init__(self) -> None:
        self._constants: dict[str, ast.expr] = {}
        self._uses: dict[str, tuple[set[str], list[Allowed]]] = {}

    def add(self, source: str) -> list[Allowed]:
        """Read the next cell; return what it allows, the strictest first, `ALL` if it is silent.

        Raises
        ------
        ValueError
            If what a call of ``own_work`` allows cannot be read.

        Examples
        --------
        >>> tests = Reader()
        >>> tests.add("def f():\\n    with check.own_work():\\n        g()\\nf()")
        [Allowed(allowed=(), but_not=())]
        >>> tests.add("f()")
        [Allowed(allowed=(), but_not=())]
        >>> tests.add("g()") == [ALL]
        True
        """
        tree = ast.parse(source)
        for node in tree.body:
            if isinstance(node, ast.Assign):
                targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
                self._constants |= dict.fromkeys(targets, node.value)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._uses[node.name] = self._read(node)
        names, found = self._read(tree)
        seen: set[str] = set()
        while names - seen:
            name = min(names - seen)
            seen.add(name)
            more, allowed = self._uses.get(name, (set(), []))
            names |= more
            found += allowed
        return sorted(set(found), key=lambda one: (len(one.allowed), str(one))) or [ALL]

    def _read(self, tree: ast.AST) -> tuple[set[str], list[Allowed]]:
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        found = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("own_work"):
                if ast.unparse(node.func) != "check.own_work":
                    continue
                given = dict(zip(("allowed", "but_not"), node.args, strict=False))
                given |= {str(word.arg): word.value for word in node.keywords}
                found.append(Allowed(**{k: self._tuple(v) for k, v in given.items()}))
        return names, found

    def _tuple(self, node: ast.expr) -> tuple[str, ...]:
        if isinstance(node, ast.Name):
            node = self._constants.get(node.id, node)
        text = ast.unparse(node)
        try:
            return tuple(map(str, eval(text, {"__builtins__": {"tuple": tuple}})))
        except (NameError, TypeError):
            raise ValueError(
                f"check.own_work expects a tuple of names, or a constant of one, found {text!r}"
            ) from None


class _Empty(ast.NodeTransformer):
    """Take out the bodies of functions that are not to be called."""

    def __init__(self, module: str, allowed: Allowed) -> None:
        self._path, self._allowed = [module], allowed

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self._path.append(node.name)
        self.generic_visit(node)
        self._path.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        name = ".".join([*self._path, node.name])
        kept = node.name == "__init_subclass__" or within(name, _IMPORTING)
        if self._allowed.hollow(name) and not kept:
            text = f"from dlcourse.check import work\nraise work.finished({name!r})"
            if within(name, _DATA):
                text = text.replace("raise", "if work.called:\n    raise")
            documented = ast.get_docstring(node) is not None
            rest = node.body if within(name, _DATA) else node.body[: int(documented)]
            place = int(documented)
            node.body = [*rest[:place], *ast.parse(text).body, *rest[place:]]
        return node


def package(allowed: Allowed, cache: Path) -> Path:
    """Return a folder with the package, hollow where `allowed` says so; made once.

    Parameters
    ----------
    allowed : Allowed
        What may be called.
    cache : Path
        The folder to keep it in, by the contents of the package.
    """
    key = hashlib.sha256(f"{contents()} {allowed}".encode()).hexdigest()[:24]
    folder = cache / key
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache))
        try:
            for path in _files():
                _copy(path, made / "dlcourse" / path.relative_to(PACKAGE), allowed)
            compileall.compile_dir(made, quiet=2)
            made.chmod(0o755)
            os.rename(made, folder)
        except OSError:
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


@functools.cache
def contents() -> str:
    """Return a hash of the sources of the package: with another one, marks may be others."""
    found = hashlib.sha256()
    for path in _files():
        if path.suffix == ".py":
            found.update(f"{path.relative_to(PACKAGE)}\\0".encode() + path.read_bytes() + b"\\0")
    return found.hexdigest()


def _files() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE).as_posix()
        if path.is_file() and "__pycache__" not in name and not name.startswith(_LEFT_OUT):
            yield path


def _copy(path: Path, target: Path, allowed: Allowed) -> None:
    """Copy a file, hollow where nothing may be called."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = ".".join(parts).removesuffix(".__init__")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".py":
        tree = _Empty(module, allowed).visit(ast.parse(path.read_text(encoding="utf-8")))
        target.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    else:
        shutil.copyfile(path, target)
