"""Whatever became of the cells, each task is judged by what answers it."""

import contextlib
import copy
import io
import json
import random

import nbformat
import plausible
import pytest
from plausible import CHEAP, HAND_INS, NAME, POINTS, SOLUTIONS, filled, grade_id, own, place, text

from dlcourse.grading import notebooks
from dlcourse.grading.plan import lay
from dlcourse.grading.python import plain
from dlcourse.grading.submission import Submission, Unreadable, read

MASTER = plausible.assignment.cells
TESTS = [
    grade_id(cell)
    for cell in MASTER
    if (cell["metadata"].get("nbgrader") or {}).get("locked") and grade_id(cell) != "setup"
]
ADAM, HE_NORMAL = SOLUTIONS["adam"], SOLUTIONS["he-normal"]
STUB = text(next(c for c in filled({})["cells"] if grade_id(c) == "adam"))


def laid(notebook, master=MASTER):
    data = json.dumps(notebook).encode()
    return lay(master, Submission(notebooks.from_json(data).cells, "a.ipynb"))


def mark(plan):
    """Return the points of the two cheap tasks, and what fails, all in this process."""
    names, points, failed = {"__name__": "__main__"}, 0, []
    for step in plan.steps:
        if step.kind == "test" and step.name.rpartition("-")[0] not in CHEAP:
            continue
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(step.source, "<step>", "exec"), names)
            points += step.points
        except (Exception, SystemExit):
            failed.append(step.name)
    return points, failed


def sound(plan):
    """Check what holds for every plan."""
    kinds = [step.kind for step in plan.steps]
    assert kinds[0] == "setup"
    assert "setup" not in kinds[1:]
    assert [step.name for step in plan.steps if step.kind == "test"] == TESTS
    assert sum(step.points for step in plan.steps) == sum(POINTS.values())
    assert set(plan.answers) == set(SOLUTIONS)
    assert set(plan.words) == {"question"}


@pytest.mark.parametrize("name", [name for name, one in HAND_INS.items() if one.mark is not None])
def test_plausible_hand_ins_get_what_they_deserve(tmp_path, name):
    plausible.hand_in(tmp_path, [name])
    plan = lay(MASTER, read(tmp_path / "submitted" / name / NAME, NAME))
    sound(plan)
    if name == "20-mb-lines":
        return  # they are printed in other tests
    deserved = {"right": 16, "half-right": POINTS["he-normal"], "all-wrong": 0}
    assert mark(plan)[0] == deserved.get(name, HAND_INS[name].mark)


def stripped(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    return notebook


def replaced(notebook, name, *cells):
    at = place(notebook, name)
    notebook["cells"][at : at + 1] = cells
    return notebook


def adam_as(*sources, kind="code"):
    """Return a notebook whose answer stands in these cells, each with its mark."""
    notebook = filled()
    cell = notebook["cells"][place(notebook, "adam")]
    return replaced(notebook, "adam", *({**cell, "source": source} for source in sources))


LINES = ADAM.splitlines(keepends=True)
BROKEN = ADAM.replace("sqrt", "sqr_t")


@pytest.mark.parametrize("unmarked", [False, True], ids=["marked", "stripped"])
@pytest.mark.parametrize(
    ("sources", "remark"),
    [
        ([BROKEN, ADAM], "MyAdam is there in 2 cells; the last one counts"),
        (["".join(LINES[:6]), "".join(LINES[6:])], "was cut in two; it was run as one"),
        ([LINES[0], "".join(LINES[1:])], "was cut in two; it was run as one"),
        ([STUB, ADAM], ""),
        ([ADAM, STUB], ""),
        ([ADAM, "print('trying things')"], ""),
        (["%%time\n" + ADAM], ""),
        (["# mine\n%%capture out\n" + ADAM], ""),
        ([ADAM, "raise ValueError('of the learner')"], ""),
        ([ADAM, "this is no Python"], ""),
        ([ADAM + "\n\ntest_adam()\ncheck.passed('Task 7')\n"], ""),
        (["if True:\n" + "".join(f"    {line}" for line in LINES)], ""),
        ([ADAM.replace("MyAdam", "Mine"), "MyAdam = Mine"], ""),
        ([f"{ADAM}\n\n{HE_NORMAL}"], "he_normal is there in 2 cells; the last one counts"),
    ],
)
def test_cells_of_an_answer(sources, remark, unmarked):
    notebook = adam_as(*sources)
    plan = laid(stripped(notebook) if unmarked else notebook)
    sound(plan)
    assert mark(plan)[0] == 16
    assert remark in "; ".join(plan.remarks)
    if not unmarked:
        assert bool(plan.remarks) == bool(remark)


def test_the_last_copy_counts_if_it_is_wrong():
    for notebook in (adam_as(ADAM, BROKEN), filled(last=BROKEN)):
        assert mark(laid(notebook))[0] == POINTS["he-normal"]


def test_another_function_of_the_same_name_is_no_answer():
    plan = laid(filled(last="def he_normal():\n    pass\nMyAdam = 3"))
    assert mark(plan)[0] == 16
    assert "def he_normal():" not in "".join(step.source for step in plan.steps)


def test_one_cell_for_everything():
    notebook = filled()
    sources = [text(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    notebook["cells"] = [own("\n\n".join(sources))]
    plan = laid(notebook)
    sound(plan)
    assert mark(plan) == (16, [])
    assert "class MyAdam" in plan.answers["adam"]


def test_joined_with_the_tests_between():
    notebook = filled()
    first, last = place(notebook, "he-normal"), place(notebook, "adam")
    joined = [text(c) for c in notebook["cells"][first : last + 1] if c["cell_type"] == "code"]
    notebook["cells"][first]["source"] = "\n".join(joined)
    del notebook["cells"][first + 1 : last + 1]
    plan = laid(notebook)
    sound(plan)
    assert mark(plan) == (16, [])
    assert not any("check_he_normal" in s.source for s in plan.steps if s.kind == "theirs")


def test_a_helper_of_the_learner_that_is_called_like_one_of_a_test():
    own_helper = "def test_adam(of_mine):\n    return of_mine\n\n\n"
    notebook = filled({**CHEAP, "adam": own_helper + ADAM + "\n\ntest_adam()\n"})
    plan = laid(notebook)
    (answer,) = (step.source for step in plan.steps if (step.kind, step.name) == ("theirs", "adam"))
    assert answer.startswith(own_helper)
    assert answer.rstrip().endswith("pass")


def test_any_order_of_the_cells():
    draw = random.Random(0)
    for _ in range(12):
        notebook = filled(first="helper = 1", last="def own():\n    return MyAdam")
        draw.shuffle(notebook["cells"])
        if draw.random() < 0.5:
            stripped(notebook)
        plan = laid(notebook)
        sound(plan)
        assert mark(plan)[0] == 16
        names = [step.name for step in plan.steps]
        for task in SOLUTIONS:
            assert names.index(task) < names.index(f"{task}-visible")


def test_what_is_added_to_the_setup_runs_after_it():
    notebook = filled({**CHEAP, "he-normal": HE_NORMAL.replace("math.sqrt", "root")})
    assert "root" in text(notebook["cells"][place(notebook, "he-normal")])
    cell = notebook["cells"][place(notebook, "setup")]
    cell["source"] = (
        "from google.colab import drive\n!pip install thing\n"
        + text(cell).replace("import math\n", "")
        + "\nfrom math import sqrt as root\nx = (1,\n  2)\n"
    )
    notebook["cells"].reverse()
    plan = laid(notebook)
    sound(plan)
    assert mark(plan)[0] == 16
    added = [step for step in plan.steps if step.name == "setup"][1:]
    assert [step.kind for step in added] == ["theirs"] * 3
    assert plan.steps[1 : 1 + len(added)] == tuple(added)
    assert plan.remarks == ()


def test_an_untouched_notebook_adds_nothing():
    plan = laid(filled({}))
    sound(plan)
    assert plan.remarks == ()
    assert [step.name for step in plan.steps if step.kind == "theirs"] == list(SOLUTIONS)
    assert mark(plan)[0] == 0


def test_own_cells_keep_their_place():
    notebook = filled({**CHEAP, "adam": ADAM.replace("class MyAdam", "class MyAdam(Base)")})
    at = place(notebook, "adam")
    notebook["cells"][at:at] = [own("class Base:\n    pass")]
    notebook["cells"][at + 2 : at + 2] = [own("MyAdam.extra = 1")]  # before its test
    notebook["cells"].append(own("expensive()"))
    plan = laid(notebook)
    assert mark(plan) == (16, [])
    sources = [step.source for step in plan.steps]
    names = [step.name for step in plan.steps]
    assert names.index("adam-visible") > sources.index("MyAdam.extra = 1")
    assert "expensive()" not in sources  # it cannot change a mark


def test_what_was_done_to_tests_is_said():
    notebook = filled()
    cell = notebook["cells"][place(notebook, "adam-visible")]
    cell["source"] = "def test_adam():\n    pass\n\n\nprint('mine')\n"
    plan = laid(notebook)
    assert plan.remarks == ("tests that differ from the teacher's were not run: adam",)
    assert not any("print('mine')" in step.source for step in plan.steps)
    cell["source"] = ADAM  # the answer typed into the cell of the test
    notebook["cells"][place(notebook, "adam")]["source"] = STUB
    assert mark(laid(notebook))[0] == 16
    cell["source"] = "def test_adam(:"
    assert "differ" in laid(notebook).remarks[0]
    del notebook["cells"][place(notebook, "adam-visible")]
    notebook["cells"][place(notebook, "adam-hidden")]["source"] = ""
    sound(laid(notebook))


def test_a_deleted_answer_is_said():
    notebook = filled()
    del notebook["cells"][place(notebook, "adam")]
    plan = laid(notebook)
    assert plan.remarks == ("no cell defines MyAdam",)
    assert plan.answers["adam"] == ""
    assert mark(plan)[0] == POINTS["he-normal"]


def test_broken_python_is_a_step():
    plan = laid(adam_as(ADAM + "\nthis is no Python"))
    assert mark(plan) == (POINTS["he-normal"], ["adam", "adam-visible", "adam-hidden"])


def test_other_assignments():
    path = plausible.COURSE / "release" / "ps2-history" / "ps2-history.ipynb"
    other = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(Unreadable, match=r"a\.ipynb has none of the cells of the assignment"):
        laid(other)
    with pytest.raises(Unreadable, match="is it another notebook"):
        laid({"cells": [own("print(1)"), own("My life", "markdown")]})
    pasted = filled()
    pasted["cells"][3:3] = other["cells"][2:5]
    plan = laid(pasted)
    sound(plan)
    assert mark(plan)[0] == 16
    assert plan.remarks[0].startswith("cells of another assignment were run as the learner's own: ")
    assert laid(other, other["cells"]).remarks == ()


@pytest.mark.parametrize("name", sorted(p.name for p in (plausible.COURSE / "source").iterdir()))
def test_every_assignment_answers_itself(name):
    """The teacher's own answers, and the release, with marks and without."""
    source = json.loads((plausible.COURSE / "source" / name / f"{name}.ipynb").read_text("utf-8"))
    release = json.loads((plausible.COURSE / "release" / name / f"{name}.ipynb").read_text("utf-8"))
    for notebook in (source, release):
        plan = laid(notebook, source["cells"])
        assert plan.remarks == ()
        bare = laid(stripped(copy.deepcopy(notebook)), source["cells"])
        assert bare.remarks == (
            "nbgrader's names of the cells are lost; they were found by their contents",
        )
        assert [(s.kind, s.name) for s in bare.steps] == [(s.kind, s.name) for s in plan.steps]
        assert bare.answers == plan.answers


# Open questions.


def test_words_in_their_cell_and_below_it():
    answer = "Because.\n\n<script>alert(1)</script>"
    assert laid(filled()).words == {"question": ""}
    assert laid(filled({**CHEAP, "question": answer})).words == {"question": answer}
    below = filled()
    below["cells"].append(own("Below.", "markdown"))
    assert laid(below).words == {"question": "Below."}
    as_code = filled({"question": "I think so, too."})
    as_code["cells"][place(as_code, "question")]["cell_type"] = "code"
    assert laid(as_code).words == {"question": "I think so, too."}


def test_words_are_bounded():
    plan = laid(filled({"question": "x" * 200_000}))
    assert len(plan.words["question"]) == 100_000
    assert plan.remarks == ("the answer question has 200,000 characters; it was cut off",)


def test_words_without_marks():
    notebook = filled({**CHEAP, "question": "Because."})
    at = place(notebook, "question")
    plan = laid(stripped(notebook))
    assert plan.words == {"question": "Because."}
    notebook["cells"][at]["source"] = "YOUR ANSWER HERE"
    notebook["cells"][at - 1]["source"] = text(notebook["cells"][at - 1]) + "\n\nBecause."
    assert laid(notebook).words == {"question": "Because."}
    notebook["cells"].insert(3, own("Notes of mine", "markdown"))
    assert laid(notebook).words == {"question": "Because."}


# Scripts.


@pytest.mark.parametrize("kind", ["py:percent", "py:light", "py:hydrogen", "nbconvert", "colab"])
def test_a_notebook_as_python(tmp_path, kind):
    answers = {**CHEAP, "adam": "%%time\n" + ADAM, "question": "Because."}
    notebook = filled(answers, first="%matplotlib inline\nf = !ls")
    whole = nbformat.reads(json.dumps(notebook), 4)
    if kind == "nbconvert":
        exporters = pytest.importorskip("nbconvert.exporters")
        script, _ = exporters.PythonExporter().from_notebook_node(whole)
    elif kind == "colab":
        parts = ['# -*- coding: utf-8 -*-\n"""ps1\n\nAutomatically generated by Colab.\n"""']
        for cell in filled({**CHEAP, "question": "Because."})["cells"]:
            markdown = cell["cell_type"] == "markdown"
            parts.append('"""' + text(cell).replace("\\", "") + '"""' if markdown else text(cell))
        script = "\n\n".join(parts)
    else:
        script = pytest.importorskip("jupytext").writes(whole, kind)
    (tmp_path / "mine.py").write_text(script, encoding="utf-8")
    plan = lay(MASTER, read(tmp_path, NAME))
    sound(plan)
    assert mark(plan) == (16, [])
    assert plan.words["question"].startswith("Because.")


def test_a_script_with_a_mistake_keeps_its_other_paragraphs(tmp_path):
    cells = [text(cell) for cell in filled()["cells"] if cell["cell_type"] == "code"]
    cells[3:3] = ["def broken(:\n    pass"]
    (tmp_path / "mine.py").write_text("\n\n\n".join(cells), encoding="utf-8")
    assert mark(lay(MASTER, read(tmp_path, NAME)))[0] == 16


# What only a notebook understands.


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1  # 50% of it", None),
        ("s = '''\n%time\n!ls\n'''", None),
        ("y = (7\n % 4)", None),
        ("def f(:", None),
        ("x = 1\n!", "x = 1\npass"),
        ("for i in a:\n    !echo $i\n", "for i in a:\n    pass\n"),
        ("if a:\n    %time f(1)\n", "if a:\n    f(1)\n"),
        ("%timeit f(1)", "pass"),
        ("!echo \\\n  it's\nx = 1", "pass\n\nx = 1"),
        ("np.sum?\nnp.sum??\n?np", "pass\npass\npass"),
        ("a, b = %who\nc = !ls -l\n", "a, b = []\nc = []\n"),
        ("pip install numpy\nx = 1", "pass\nx = 1"),
        ("%cd\ns = '''\n%time\n'''\ny = (7\n % 4)", "pass\ns = '''\n%time\n'''\ny = (7\n % 4)"),
        ("\n\n%%bash\nls", ""),
        ("%%writefile a.py\nx = 1", ""),
        ("%%html\n<b>", ""),
        ("%%time\n%matplotlib inline\nx = 1", "\npass\nx = 1"),
        ("get_ipython().run_line_magic('matplotlib', 'inline')", "None"),
        ("get_ipython().run_line_magic('time', 'x = f()')", "x = f()"),
        ("get_ipython().run_cell_magic('time', '', 'def f():\\n  3\\n')", "def f():\n  3\n"),
        ("if 'colab' in str(get_ipython()):\n    x = 1", "if 'colab' in str(None):\n    x = 1"),
        ("x = [get_ipython().getoutput('ls')[0], 'é', get_ipython()]", "x = [None, 'é', None]"),
        ("f(get_ipython().a(\n 1), 2)", "f((None\n), 2)"),
    ],
)  # fmt: skip
def test_plain(source, expected):
    assert plain(source) == (source if expected is None else expected)


#: Texts on which a parser, or a pattern, may give up or take for ever.
ODD = {
    "minus": "-" * 50_000 + "1",
    "plus": "x" + "+x" * 50_000,
    "sum": "x = 1" + " + 1" * 700,
    "names": "a" + ".b" * 50_000,
    "brackets": "(" * 50_000,
    "nul": "x = 1\0",
    "surrogate": "x = '\ud800'",
    "quotes": "'''\\" * 20_000 + "\n%x",
    "spaces": " " * 100_000 + "= !",
    "lines": "\\\n" * 20_000,
    "magics": "%x\n" * 5_000,
    "semicolons": "a;" * 5_000,
    "odd escape": "'\\d'",
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["adam", "setup", "adam-visible", None])
def test_odd_texts(source, name):
    notebook = filled()
    cell = own(source)
    cell["metadata"] = {"nbgrader": {"grade_id": name}}
    notebook["cells"].insert(place(notebook, "adam"), cell)
    sound(laid(notebook))
