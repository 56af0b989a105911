"""The text of a cell as plain Python: what only a notebook understands is taken out.

``%time f()`` becomes ``f()``, ``%%time`` keeps the cell below it; ``%matplotlib inline``, ``!ls``
and whatever is asked of ``get_ipython()`` do nothing.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

#: Magics of a cell that run it; cells of others, as of ``%%bash``, are left out.
_RUN = {"time", "timeit", "capture", "prun", "debug", "memit"}
_HEAD = re.compile(r"\s*%%(!|\w+)")
#: A line that is none of Python, from its first word to its end.
_COMMAND = re.compile(
    r"[ \t]*+(?:[%!?]|(?:pip3?|conda|ls|cd)[ \t]+[\w~.-])(?:[^\\\n]|\\.|\\\Z)*+\n?", re.S
)
_TIME = re.compile(r"[ \t]*%time[ \t]+(?=\S)")
_HELP = re.compile(r"[ \t]*+[\w.*]++\?{1,2}[ \t]*\n?\Z")
_ASSIGNED = re.compile(r"([\w.,\[\] \t]+=[ \t]*+)[%!]\S")
# All repetitions are possessive and a string may lack its end, so the time is linear.
_PIECE = re.compile(
    r"""'{3}(?:[^\\']|\\.|'(?!''))*+(?:'{3})?|"{3}(?:[^\\"]|\\.|"(?!""))*+(?:"{3})?"""
    r"""|'(?:[^'\\\n]|\\.)*+'?|"(?:[^"\\\n]|\\.)*+"?|\#[^\n]*+|\\\n"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<end>\n)|[^'"#(\[{)\]}\\\n]++|.""",
    re.DOTALL,
)


def plain(source: str) -> str:
    """Return the text of a cell without IPython's commands; lines keep their numbers.

    Where the text is no Python even so, it is returned as it is.

    Examples
    --------
    >>> plain("%matplotlib inline\\nfiles = !ls\\nx = get_ipython().magic('pwd')")
    'pass\\nfiles = []\\nx = None'
    >>> plain("%%time\\ny = 1")
    '\\ny = 1'
    >>> plain("%%bash\\nls")
    ''
    """
    tree = parsed(source)
    if tree is None:
        text = source
        lines = text.splitlines(keepends=True)
        first = next((i for i, line in enumerate(lines) if line.split("#")[0].strip()), 0)
        if lines and (head := _HEAD.match(lines[first])):
            if head[1] not in _RUN:
                return ""
            text = "".join(["\n" if i == first else line for i, line in enumerate(lines)])
        text = "".join(map(_as_python, _logical_lines(text)))
        tree = parsed(text)
        if tree is None:
            return source
        source = text
    return _without_shell(source, tree)


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a text, or None if it is no Python, or too deep for this one.

    Examples
    --------
    >>> parsed("def f(:") is None
    True
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def dump(node: ast.AST) -> str:
    """Return a text that is equal for what means the same, whatever spaces and comments it has."""
    try:
        return ast.dump(node)
    except RecursionError:
        return f"too deep, in line {getattr(node, 'lineno', 0)}"


def replaced(source: str, changes: Iterable[tuple[ast.stmt | ast.expr, str]]) -> str:
    """Return a text with parts of its tree replaced; the lines after them keep their numbers.

    Parameters
    ----------
    source : str
        The text.
    changes : iterable of (node, str)
        Statements and expressions that do not overlap, and what stands in their place.

    Examples
    --------
    >>> text = "a = 1\\n@f\\ndef b():\\n  3\\nc = 4"
    >>> replaced(text, [(parsed(text).body[1], "pass")])
    'a = 1\\npass\\n\\n\\nc = 4'
    """
    data = source.encode()  # columns are counted in bytes
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    places = []
    for node, text in changes:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        places.append((starts[first - 1] + node.col_offset, end, text, isinstance(node, ast.expr)))
    parts, at = [], 0
    for begin, end, text, inside in sorted(places):
        ends = "\n" * (data.count(b"\n", begin, end) - text.count("\n"))
        text = f"({text}{ends})" if inside and ends else text + ends
        parts += [data[at:begin], text.encode()]
        at = end
    return b"".join([*parts, data[at:]]).decode()


def _logical_lines(source: str) -> Iterator[str]:
    """Cut a text where a statement can begin: not within brackets and strings."""
    start = at = depth = 0
    while at < len(source):
        if at == start and (command := _COMMAND.match(source, at)):
            yield command[0]
            start = at = command.end()
            continue
        piece = _PIECE.match(source, at)
        assert piece is not None  # its last alternative is any character
        at = piece.end()
        depth += (piece.lastgroup == "open") - (piece.lastgroup == "close")
        if piece.lastgroup == "end" and depth <= 0:
            yield source[start:at]
            start, depth = at, 0
    yield source[start:]


def _as_python(line: str) -> str:
    if time := _TIME.match(line):
        return line[: len(line) - len(line.lstrip())] + line[time.end() :]
    if _COMMAND.match(line) or _HELP.match(line):
        return line[: len(line) - len(line.lstrip())] + "pass" + "\n" * line.count("\n")
    if assigned := _ASSIGNED.match(line):
        return assigned[1] + "[]" + "\n" * line.count("\n")
    return line


def _without_shell(source: str, tree: ast.Module) -> str:
    """Take out what is asked of ``get_ipython()``, which `nbconvert` writes for magics."""
    if "get_ipython" not in source:
        return source
    changes: list[tuple[ast.stmt | ast.expr, str]] = []
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Expr) and (body := _magic(node.value)) is not None:
            changes.append((node, body))
        elif isinstance(node, ast.expr) and _asks_shell(node):
            changes.append((node, "None"))
        else:
            nodes.extend(ast.iter_child_nodes(node))
    return replaced(source, changes)


def _asks_shell(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "get_ipython":
                return True
            node = node.func
        else:
            node = node.value
    return False


def _magic(node: ast.expr) -> str | None:
    """Return the Python that a magic runs, None if it runs none or stands within other code."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    given = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
    if node.col_offset or not _asks_shell(node) or not all(isinstance(g, str) for g in given):
        return None
    if node.func.attr == "run_line_magic" and given[:1] == ["time"] and len(given) == 2:
        return plain(str(given[1]))
    if node.func.attr == "run_cell_magic" and len(given) == 3 and given[0] in _RUN:
        return plain(str(given[2]))
    return None
