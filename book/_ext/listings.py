"""The directive ``source``: a method of the package in a page, as it stands in its file.

    ```{source} dlcourse.nn.pooling.MaxPool2d.backward
    ```

shows the code without its docstring (the option ``:docstring:`` keeps it), under a caption that
links to these lines on the web. Functions and classes can be shown as well. A listing has a
number, and ``{numref}`source-MaxPool2d.backward``` refers to it; the option ``:name:`` gives it
another name, which the second listing of a method needs. A page that shows a file is read again
when the file has changed. It does not run again for that.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Listing:
    """Some lines of a file of the package."""

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
        With its module, or with one that hands it on, as in ``dlcourse.nn.MaxPool2d.backward``.
    docstring : bool
        Whether to keep what the code says of itself.

    Raises
    ------
    ValueError
        If there is no such thing, or if it is not written in Python.
    """
    try:
        thing = inspect.unwrap(pkgutil.resolve_name(name))
        lines, first = inspect.getsourcelines(thing)
        path = Path(inspect.getfile(thing)).resolve()
        if isinstance(thing, ModuleType) or not path.is_relative_to(ROOT / "src"):
            raise TypeError("which is none")
    except (AttributeError, ImportError, OSError, TypeError, ValueError) as error:
        raise ValueError(
            "expected a function, method or class of the package, such as "
            f"dlcourse.nn.MaxPool2d.backward, found {name!r} ({error})"
        ) from error
    code = textwrap.dedent("".join(lines)).rstrip()
    return Listing(
        name=_own_name(name),
        path=path,
        first=first,
        last=first + len(lines) - 1,
        code=code if docstring else without_docstrings(code),
    )


def without_docstrings(code: str) -> str:
    """Return a definition without its docstring and without those inside."""
    lines, said = code.split("\n"), set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            text = node.body[0]
            end = text.end_lineno or text.lineno
            if end < len(lines) and not lines[end].strip():
                end += 1  # the empty line below it
            said |= set(range(text.lineno - 1, end))
    return "\n".join(line for number, line in enumerate(lines) if number not in said)


def _own_name(name: str) -> str:
    """Return what is left of a name without its modules."""
    parts = name.split(".")
    while len(parts) > 1:
        known = name.removesuffix("." + ".".join(parts[1:]))
        if not isinstance(pkgutil.resolve_name(known), ModuleType):
            break
        parts.pop(0)
    return ".".join(parts)


class Source(SphinxDirective):
    """Insert the source of a function, method or class, with a caption."""

    required_arguments = 1
    option_spec: ClassVar = {"docstring": directives.flag, "name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the listing, and note that the page depends on the file."""
        try:
            shown = listing(self.arguments[0], "docstring" in self.options)
        except ValueError as error:
            raise self.error(f"source: {error}") from error
        self.env.note_dependency(str(shown.path))
        options = self.config.html_theme_options
        address = shown.address(options["repository_url"], options["repository_branch"])
        caption = nodes.caption()
        caption += nodes.literal(shown.name, shown.name)
        caption += nodes.Text(", in ")
        caption += nodes.reference("", shown.file, refuri=address)
        block = nodes.container(
            "",
            caption,
            nodes.literal_block(shown.code, shown.code, language="python"),
            literal_block=True,  # by this Sphinx knows what to number
            classes=["literal-block-wrapper"],
        )
        self.set_source_info(block)
        self.options.setdefault("name", f"source-{shown.name}")
        self.add_name(block)
        return [block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("source", Source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
