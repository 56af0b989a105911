"""What follows from the secret of a course: keys, and hidden tests that are run with one."""

from __future__ import annotations

import ast
import hashlib
import hmac
import json


def key(secret: str, *purpose: str) -> int:
    """Return a number of 128 bits that follows from the secret, another one for each purpose.

    Examples
    --------
    >>> key("correct horse", "ps1-deeper", "adam") == key("correct horse", "ps1-deeper", "adam")
    True
    >>> key("correct horse", "ps1-deeper", "adam") == key("battery staple", "ps1-deeper", "adam")
    False
    """
    digest = hmac.digest(secret.encode(), json.dumps(purpose).encode(), hashlib.sha256)
    return int.from_bytes(digest[:16], "big")


def with_key(source: str, number: int) -> str:
    r"""Return a hidden test that is run with a key mixed into its seeds.

    Functions and classes stay as they are; what calls them goes into a block.

    Examples
    --------
    >>> print(with_key("def test():\n    assert f()\n\n\ntest()", 255))
    import dlcourse.check.secret as _secret
    def test():
        assert f()
    <BLANKLINE>
    <BLANKLINE>
    with _secret.mixed(0x104):
        test()
    """
    tree, lines = ast.parse(source), source.split("\n")
    blocks: list[tuple[int, int]] = []
    going_on = False
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            going_on = False
            continue
        first = blocks.pop()[0] if going_on else node.lineno
        blocks.append((first, node.end_lineno or node.lineno))
        going_on = True
    fixed = _inside_texts(tree)
    for first, last in reversed(blocks):
        for at in range(first, last + 1):
            if at not in fixed and lines[at - 1]:
                lines[at - 1] = f"    {lines[at - 1]}"
        lines.insert(first - 1, f"with _secret.mixed(0x{number + first:X}):")
    return "\n".join(["import dlcourse.check.secret as _secret", *lines])


def _inside_texts(tree: ast.AST) -> set[int]:
    """Return the lines that begin inside a text over several lines, which must stay as it is."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        ):
            inside |= set(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return inside
