"""Imports only go down: the library, then applications and lessons, then the course's tools."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dlcourse"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def floors():
    """From the name of each part of the package to its place in the tables of CONTRIBUTING.md."""
    lines = re.findall(r"^\| (`\w+`.*?) \| .* \|$", CONTRIBUTING, re.MULTILINE)
    return {
        name: floor for floor, names in enumerate(lines) for name in re.findall(r"`(\w+)`", names)
    }


def modules():
    """From the dotted name of each module to its file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("dlcourse", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports():
    """From each module to those it imports anywhere, also under TYPE_CHECKING."""
    files = modules()
    found = {}
    for name, path in files.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                wanted = [f"{node.module}.{alias.name}" for alias in node.names]
                found[name] |= {w if w in files else node.module for w in wanted}
            elif isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names}
        found[name] &= files.keys() - {name}
    return found


def part(name):
    return name.split(".")[1]


def test_every_part_of_the_package_stands_in_the_map():
    assert {part(name) for name in modules() if "." in name} == floors().keys()


def test_imports_go_down():
    table = floors()
    wrong = [
        f"{name} imports {other}"
        for name, others in imports().items()
        for other in others
        if "." in name and "." in other and part(name) != part(other)
        if table[part(name)] >= table[part(other)]
    ]
    assert not wrong


def test_no_module_imports_itself_by_a_roundabout_way():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None
