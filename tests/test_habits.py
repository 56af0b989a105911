"""Whoever draws takes a generator, and says so; what torch has and the package has not is told."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import told

import dlcourse
from dlcourse import nn, optim
from dlcourse.habits import Familiar, absent, explained
from dlcourse.optim import lr_scheduler

#: It is handed on what was checked before.
INSIDE = {"dlcourse.backend.random_uniform"}


def drawing():
    """Every public function, method and class of the package that takes ``rng``."""
    for _, module_name, _ in pkgutil.walk_packages(dlcourse.__path__, "dlcourse."):
        if "._" in module_name:
            continue
        module = importlib.import_module(module_name)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module_name:
                continue
            parts = [(name, value)] if inspect.isfunction(value) else []
            if inspect.isclass(value):
                parts = [
                    (f"{name}.{method}", function)
                    for method, function in vars(value).items()
                    if inspect.isfunction(function)
                    and not getattr(function, "__isabstractmethod__", False)
                    and (not method.startswith("_") or method in ("__init__", "__call__"))
                ]
            for part, function in parts:
                path = f"{module_name}.{part}"
                if "rng" in inspect.signature(function).parameters and path not in INSIDE:
                    yield path, value, function


DRAWING = list(drawing())


@pytest.mark.parametrize(
    ("owner", "function"), [row[1:] for row in DRAWING], ids=[row[0] for row in DRAWING]
)
def test_what_is_no_generator_is_refused_with_the_line_to_write(owner, function):
    values = [owner.__new__(owner)] if inspect.isclass(owner) else []
    for wrong in (0, np.random, np.random.RandomState(0), "seed", [1]):
        with pytest.raises(
            TypeError, match=r"draws .*: pass a generator, .*np\.random\.default_rng"
        ):
            function(*values, rng=wrong)
    if inspect.signature(function).parameters["rng"].default is inspect.Parameter.empty:
        for none in ({}, {"rng": None}):
            with pytest.raises(TypeError, match=r"rng=np\.random\.default_rng\(0\)"):
                function(*values, **none)


def test_most_of_the_package_was_looked_at():
    assert len(DRAWING) > 70


@explained
def draw(size, rng, scale=1.0, *, seed=None):
    return scale * rng.random(size)


TOLD = """
draw(3)  # TypeError: draw draws random numbers: pass a generator, draw(3, rng=
draw(3, 0)  # TypeError: pass a generator, draw(3, rng=np.random.default_rng(0))
draw(3, rng=7)  # TypeError: rng=np.random.default_rng(0)), in place of 7
draw(3, rng=np.random.RandomState())  # TypeError: in place of RandomState
draw(np.ones(3), rng=None)  # TypeError: draw(..., rng=np.random.default_rng(0))
draw(3, size_average=1)  # TypeError: has no size_average=: leave it out and write draw(
draw(3, 0, 1.0, 2)  # TypeError: draw takes size, rng, scale by position, found 4: give the
dlcourse.no_grad  # AttributeError: model.predict(x)
dlcourse.manual_seed  # AttributeError: rng = np.random.default_rng(0)
dlcourse.tensor  # AttributeError: write np.array
dlcourse.zeros  # AttributeError: write np.zeros
dlcourse.argmax  # AttributeError: write np.argmax
dlcourse.relu  # AttributeError: nn.ReLU()
dlcourse.randperm  # AttributeError: rng.permutation(n)
dlcourse.save  # AttributeError: save_weights(model, path)
dlcourse.load  # AttributeError: load_weights(model, path)
dlcourse.device  # AttributeError: model.to("cuda")
"""


@pytest.mark.parametrize(("code", "kind", "words"), told.cases(TOLD))
def test_is_told(code, kind, words):
    told.assert_told(globals(), code, kind, words)


def test_a_right_call_is_only_passed_on():
    rng = np.random.default_rng(0)
    assert draw(3, rng, seed=1).tolist() == draw(3, rng=np.random.default_rng(0)).tolist()
    assert draw.__name__ == "draw"
    assert list(inspect.signature(draw).parameters) == ["size", "rng", "scale", "seed"]


def test_hints_of_a_class_are_those_of_arguments_methods_and_attributes():
    class Thing(Familiar):
        hints: ClassVar = {"a=": "write b", "cuda": "write to", "go()": "write run(3)"}

        def __init__(self, b=1):
            self.b = b

        @explained
        def go(self):
            return self.b

    class Special(Thing):
        pass

    with pytest.raises(TypeError, match=r"^Special has no a=: write b; no c=: leave it out and"):
        Special(a=1, c=2)
    with pytest.raises(AttributeError, match="^'Special' object has no attribute 'cuda': write to"):
        Special().cuda  # noqa: B018
    with pytest.raises(AttributeError, match="^'Special' object has no attribute 'other'$"):
        Special().other  # noqa: B018
    with pytest.raises(TypeError, match=r"Special\.go takes nothing by position, .*run\(3\)"):
        Special().go(1)
    assert Special(b=4).go() == 4
    assert not hasattr(Special(), "cuda")


def test_names_of_modules():
    missing = absent("package", {"Old": "write New"}, otherwise="derive a class")
    for name, message in (
        ("Old", "has no Old: write New"),
        ("Ours", "has no Ours: derive a class"),
    ):
        with pytest.raises(AttributeError, match=f"^package {message}$"):
            missing(name)
    with pytest.raises(AttributeError, match="^package has no word$"):
        missing("word")


PAGE = (Path(__file__).parents[1] / "book" / "reference" / "pytorch.md").read_text()


def listed(title):
    """From the words before each colon to the names behind it, in one section of the page."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    for kind, names in re.findall(r"^- (\w+): (.*)$", section, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            yield kind, name


def home(kind):
    return {"Optimizers": optim, "Schedules": lr_scheduler}.get(kind, nn)


def test_the_page_lists_what_is_here():
    here = {(kind, name) for kind, name in listed("What is here")}
    assert all(inspect.isclass(getattr(home(kind), name)) for kind, name in here)
    bases = {"Draws", "Module", "Parameter", "Optimizer", "Schedule"}
    own = {n for m in (nn, optim) for n in m.__all__ if inspect.isclass(getattr(m, n))}
    assert {name for _, name in here} == own - bases


@pytest.mark.parametrize(("kind", "name"), [*listed("What is not here")])
def test_the_page_lists_what_is_not_here(kind, name):
    with pytest.raises(AttributeError, match=f"has no {name}: .*(write|CrossEntropyLoss|assign)"):
        getattr(home(kind), name)
