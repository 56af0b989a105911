"""What Python writes is what JavaScript reads: one stem, the same keys, the same types."""

import importlib
import inspect
import re
import types
from dataclasses import dataclass, is_dataclass
from typing import Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.lib.widget import FOLDER, Explorer, Packed, bundle

KINDS = sorted(path.stem for path in FOLDER.glob("*.js"))
SIMPLE = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null"}

UNIONS = (Union, types.UnionType)


def javascript(hint):
    """Return how JavaScript writes a type."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint in SIMPLE:
        return SIMPLE[hint]
    if origin is list:
        item = javascript(inside[0])
        return f"({item})[]" if get_origin(inside[0]) in UNIONS else f"{item}[]"
    if origin is tuple:
        return f"[{', '.join(map(javascript, inside))}]"
    if origin is dict:
        return f"Record<{javascript(inside[0])}, {javascript(inside[1])}>"
    if origin in UNIONS:
        return " | ".join(map(javascript, inside))
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in inside)
    assert has_keys(hint), f"a page cannot store {hint}"
    return hint.__name__.removeprefix("_")


def has_keys(hint):
    return is_dataclass(hint) or is_typeddict(hint)


def written(hint):
    """From each type with keys in a type, or in its keys, to these keys and their types."""
    if not has_keys(hint):
        return {name: keys for part in get_args(hint) for name, keys in written(part).items()}
    hints = get_type_hints(hint)
    found = {javascript(hint): {key: javascript(of_key) for key, of_key in hints.items()}}
    for of_key in hints.values():
        found |= written(of_key)
    return found


def declared(*paths):
    """From each type with keys that JavaScript declares to these keys and their types."""
    comments = [
        c for path in paths for c in re.findall(r"/\*\*.*?\*/", path.read_text(), re.DOTALL)
    ]
    return {
        name[1]: {key: kind for kind, key in re.findall(r"@property \{(.+)\} (\w+)", comment)}
        for comment in comments
        if (name := re.search(r"@typedef \{object\} (\w+)", comment))
    }


@dataclass
class Inner:
    label: str


@dataclass
class Outer:
    inner: list[Inner]
    loss: list[list[float | None]]
    kind: Literal["a", "b"]
    ends: tuple[int, bool]
    of_name: dict[str, list[Inner | Packed]]


def test_a_type_in_javascript():
    found = written(Outer)
    assert found["Outer"] == {
        "inner": "Inner[]",
        "loss": "(number | null)[][]",
        "kind": '"a" | "b"',
        "ends": "[number, boolean]",
        "of_name": "Record<string, (Inner | Packed)[]>",
    }
    assert found["Inner"] == {"label": "string"}
    assert found.keys() == {"Outer", "Inner", "Packed"}


def test_what_a_page_cannot_store():
    with pytest.raises(AssertionError, match="a page cannot store"):
        javascript(list[object])


@pytest.mark.parametrize("kind", KINDS)
def test_python_and_javascript_declare_the_same(kind):
    module = importlib.import_module(f"dlcourse.explore.{kind}")
    of_python, own = written(module._Data), declared(FOLDER / f"{kind}.js")
    of_javascript = declared(*sorted((FOLDER / "lib").glob("*.js"))) | own
    assert of_python == {name: of_javascript.get(name) for name in of_python}
    assert not own.keys() - of_python.keys(), "Python does not write these"


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_read(kind):
    """TypeScript notices a key that is not there, but not one that nobody reads."""
    code = re.sub(r"/\*.*?\*/|//.*", "", bundle(f"{kind}.js"))
    for name, keys in written(importlib.import_module(f"dlcourse.explore.{kind}")._Data).items():
        unread = [k for k in keys if not re.search(rf"\.{k}\b|[{{,]\s*{k}\s*[,:}}]", code)]
        assert not unread, f"{kind}.js does not read these of {name}"


def test_one_stem_for_an_explorer():
    folder = FOLDER.parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert modules == set(KINDS)
    assert {path.stem for path in FOLDER.glob("*.css")} <= modules
    for name in modules - {"quiz"}:
        function = getattr(importlib.import_module(f"dlcourse.explore.{name}"), name)
        assert inspect.signature(function, eval_str=True).return_annotation is Explorer
