"""Near-identical answers are found, and the class is not accused."""

import ast
import importlib
import inspect
import re
import textwrap

import pytest

pytest.importorskip("rapidfuzz", reason="rapidfuzz is not installed; `make grading` installs it")

from alike import OTHER, RENAMED, SAME
from marking import Assignment

from dlcourse.grading.similar import find, tokens


def test_renamed_and_laid_out_anew_is_the_same():
    assert tokens(SAME) == tokens(RENAMED)
    (found,) = find({"ann": {"t": SAME}, "bo": {"t": RENAMED}, "cy": {"t": OTHER}}, {})
    assert found.students == ("ann", "bo")
    assert found.tasks == {"t": 1.0}


@pytest.mark.parametrize("teacher", [SAME, RENAMED])
def test_what_the_teacher_wrote_accuses_nobody(teacher):
    assert find({"ann": {"t": SAME}, "bo": {"t": RENAMED}}, {"t": [teacher]}) == []


def test_what_a_fifth_of_the_class_wrote_accuses_nobody():
    class_of_20 = {f"s{i}": {"t": SAME if i < 5 else f"pass\n{OTHER[: 40 * i]}"} for i in range(20)}
    assert not any("s0" in one.students for one in find(class_of_20, {}))


def test_short_answers_say_nothing():
    short = "def f(x):\n    return np.maximum(x, 0) + 0.01 * np.minimum(x, 0)\n"
    assert find({"ann": {"t": short}, "bo": {"t": short}}, {}) == []


def test_more_tasks_come_first():
    answers = {"ann": {"a": SAME}, "bo": {"a": RENAMED}, "cy": {"a": OTHER, "b": OTHER}}
    answers["di"] = answers["cy"]
    found = [(one.students, list(one.tasks)) for one in find(answers, {})]
    assert found == [(("cy", "di"), ["a", "b"]), (("ann", "bo"), ["a"])]


@pytest.mark.parametrize(
    "code", ["def f(:\n  return (", "'''", "\0", "\t x\n  y", "é = “1”", "(" * 500]
)
def test_what_is_no_program_is_read_as_far_as_it_goes(code):
    assert isinstance(tokens(code), list)
    find({"ann": {"t": code}, "bo": {"t": code}}, {})


def styles(name):
    """Return the right answers that tests have, by style and task."""
    module = importlib.import_module(f"{name}_right")
    for kind in vars(module).values():
        if inspect.isclass(kind) and kind.__module__ == module.__name__:
            source = textwrap.dedent(inspect.getsource(kind))
            yield {
                part.name: ast.unparse(part)
                for part in ast.parse(source).body[0].body
                if isinstance(part, ast.FunctionDef | ast.ClassDef)
            }


def renamed(code):
    """Return a program with all names changed, laid out anew."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        for field in ("id", "arg"):
            if isinstance(getattr(node, field, None), str):
                setattr(node, field, f"my_{getattr(node, field)}")
    return ast.unparse(tree)


@pytest.fixture(scope="module")
def right():
    """Return the teacher's answers to assignment 1, and those of independent people, by task."""
    tasks = Assignment("ps1-deeper").tasks
    written = {"teacher": {name: task.solution for name, task in tasks.items()}}
    for i, style in enumerate(styles("ps1")):
        written[f"person {i}"] = {
            name: "\n\n".join(
                text for part, text in style.items() if re.search(rf" {part}\b", task.solution)
            )
            for name, task in tasks.items()
        }
    return written


def test_independent_right_answers_are_not_alike(right):
    assert len(right) > 2
    assert find(right, {}) == []


def test_a_copy_with_other_names_is_found(right):
    copy = {name: renamed(code) for name, code in right["person 0"].items()}
    (found,) = find(right | {"copy": copy}, {})
    assert found.students == ("copy", "person 0")
    assert {"conv-forward", "conv-backward", "max-pool", "adam"} <= set(found.tasks)
