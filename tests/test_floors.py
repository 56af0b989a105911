"""Imports only go down the floors of CONTRIBUTING.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dlcourse"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def floors():
    """From the name of each part of the package to the floor it stands on."""
    table = {}
    for line in CONTRIBUTING.splitlines():
        if match := re.match(r"\| (\d+) \| (.*) \|$", line):
            names = match[2].split(":")[0]
            table |= dict.fromkeys(re.findall(r"`(\w+)`", names), int(match[1]))
    return table


def imported(path):
    """Names of the parts of dlcourse that a file imports at run time."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "dlcourse":
                yield from parts[1:2] or (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "dlcourse" and len(parts) > 1:
                    yield parts[1]


def test_every_part_of_the_package_has_a_floor():
    parts = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert parts - {"__init__"} == floors().keys()


def test_imports_go_down():
    table = floors()
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in PACKAGE.rglob("*.py")
        if (own := path.relative_to(PACKAGE).parts[0].removesuffix(".py")) in table
        for name in imported(path)
        if name != own and table[name] >= table[own]
    ]
    assert not wrong
