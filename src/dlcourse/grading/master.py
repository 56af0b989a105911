"""The teacher's notebook: what its cells are to a learner's, and how theirs are recognized."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlcourse.grading.notebooks import cell_of, mark_of
from dlcourse.grading.python import dump, parsed, plain

_SOLUTION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION[ \t]*$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Task:
    """A cell that learners fill in: what it defines, as released (name, then its tree)."""

    name: str
    stubs: Mapping[str, ast.stmt]


@dataclass(frozen=True)
class Test:
    """A test of the task with this number in `Master.tasks`, -1 if it is before all of them."""

    name: str
    task: int
    source: str
    points: float


@dataclass(frozen=True)
class Text:
    """A text of the teacher's: its lines, and the question in words right below it."""

    lines: frozenset[str]
    question: str | None


@dataclass
class Master:
    """What the cells of the teacher's notebook are.

    Attributes
    ----------
    setup : dict
        The texts of cells that are given, by name.
    tasks, tests : list
        In their order.
    questions : list of str
        The names of questions that a person marks.
    texts : dict
        Cells of Markdown by their first line.
    given, tested : dict
        The top-level statements of the setup and of tests, as `dump` writes them, each with the
        numbers of the tasks that it belongs to.
    owners : dict
        The number of the task that each name answers.
    helpers : dict
        What tests define and tasks do not, by name.
    """

    setup: dict[str, str] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    texts: dict[str, Text] = field(default_factory=dict)
    given: dict[str, set[int]] = field(default_factory=dict)
    tested: dict[str, set[int]] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    helpers: dict[str, ast.stmt] = field(default_factory=dict)


def understood(cells: Sequence[dict[str, Any]]) -> Master:
    """Sort the cells of a source notebook, with solutions and hidden tests."""
    master = Master()
    above: str | None = None  # the first line of the Markdown right above
    for item in cells:
        cell, mark = cell_of(item), mark_of(item)
        name, code, points = cell.name, cell.kind == "code", float(mark.get("points") or 0)
        if name is not None and mark.get("solution"):
            if mark.get("grade"):
                master.questions.append(name)
                if above is not None:
                    master.texts[above] = Text(master.texts[above].lines, name)
            if code:
                released = parsed(
                    _SOLUTION.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError()", cell.source)
                )
                stubs = {
                    defined: node
                    for node in (released.body if released else [])
                    for defined, _ in definitions(node)
                }
                master.owners.update(dict.fromkeys(stubs, len(master.tasks)))
                master.tasks.append(Task(name, stubs))
        elif name is not None and code:
            number = len(master.tasks) - 1
            tree = parsed(plain(cell.source))  # as the learner's is read
            statements = tree.body if tree else []
            if points == 0 and (number < 0 or not mark.get("grade")):
                master.setup[name] = cell.source
                known = master.given
            else:
                master.tests.append(Test(name, number, cell.source, points))
                known = master.tested
                master.helpers.update(one for node in statements for one in definitions(node))
            for node in statements:
                known.setdefault(dump(node), set()).add(number)
        above = None
        if cell.kind == "markdown" and name is None and cell.source.strip():
            above = cell.source.strip().splitlines()[0].strip()
            lines = frozenset(line.strip() for line in cell.source.splitlines())
            master.texts[above] = Text(lines, None)
    for name in master.owners:
        master.helpers.pop(name, None)
    return master


def definitions(node: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that a statement gives a value to at the top level, each with the statement.

    Examples
    --------
    >>> tree = ast.parse("if a:\\n  def f(): pass\\nelse:\\n  from b import f\\nx, y = 1, 2")
    >>> [name for node in tree.body for name, _ in definitions(node)]
    ['f', 'f', 'x', 'y']
    """
    waiting: list[ast.AST] = [node]
    while waiting:
        at = waiting.pop()
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield at.name, at
        elif isinstance(at, ast.Import | ast.ImportFrom):
            yield from ((one.asname or one.name.split(".")[0], at) for one in at.names)
        elif isinstance(at, ast.Assign | ast.AnnAssign):
            targets = at.targets if isinstance(at, ast.Assign) else [at.target]
            names = (part for target in targets for part in ast.walk(target))
            yield from ((one.id, at) for one in names if isinstance(one, ast.Name))
        elif isinstance(at, ast.stmt | ast.excepthandler | ast.match_case):
            waiting.extend(reversed(list(ast.iter_child_nodes(at))))


def arguments(node: ast.stmt | None) -> list[str] | None:
    """Return the names of a function's arguments, None if it is no function."""
    if not isinstance(node, ast.FunctionDef):
        return None
    given = node.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
