"""A course with a secret: other hidden tests, the same release, and the marks of honest work."""

import ast
import json
import random
import re
import stat
from importlib import import_module

import numpy as np
import ps1_wrong
import pytest
from marking import COURSE, Assignment, run

pytest.importorskip("jupytext", reason="jupytext is not installed; `make book` installs it")
pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

from dlcourse import check
from dlcourse.grading import course
from dlcourse.grading.texts import notebook

SECRET = "a secret for the tests"
PS1 = course.Origin(COURSE / "text" / "ps1-deeper.py")

SETUP = """
# %% nbgrader="setup setup"
import numpy as np
from dlcourse import check
"""
TASK = '''
# %% nbgrader="double solution"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% nbgrader="double visible 1"
check.close(double(np.ones(2)), [2, 2], "double")

# %% nbgrader="double hidden 3"
def test_double():
    """One line,
and one that is not indented."""
    for n in (1, *check.drawn(lambda rng: int(rng.integers(2, 9)))):
        x = np.random.default_rng(n).random(n)
        check.close(double(x), x + x, "double")

test_double()

# %% nbgrader="double hidden 3"
assert double(np.random.default_rng(5).random()) == 2 * np.random.default_rng(5).random()

# %% [markdown] nbgrader="question manual 4"
# ### BEGIN SOLUTION
# Because.
# ### END SOLUTION
'''


@pytest.fixture
def public(tmp_path):
    """The public folder of a small course."""
    folder = tmp_path / "public"
    (folder / "text").mkdir(parents=True)
    (folder / "text" / "small.py").write_text(SETUP + TASK)
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    return folder


@pytest.fixture
def make(public, monkeypatch):
    """`course.make` for the small course, without what takes seconds."""
    monkeypatch.setattr(course, "_release", lambda folder, names, say: None)
    monkeypatch.setattr(course, "prove", lambda folder, names, say: [])

    def made(folder, *arguments):
        course.make(folder, *arguments, public=public, say=lambda text: None)
        paths = folder.glob("source/*/*.ipynb")
        return {path.stem: path.read_text() for path in paths}

    return made


def hidden(master):
    """From each hidden cell of a teacher's notebook to its source."""
    cells = json.loads(master)["cells"]
    marks = [cell["metadata"].get("nbgrader", {}).get("grade_id", "") for cell in cells]
    return {
        mark: "".join(cell["source"])
        for mark, cell in zip(marks, cells, strict=True)
        if mark.endswith("-hidden")
    }


# -- the secret


def test_without_a_secret_it_is_the_public_course(make, tmp_path, public):
    made = make(tmp_path / "course")
    assert made == {"small": notebook(public / "text" / "small.py")}
    assert not (tmp_path / "course" / course.MADE_WITH).exists()


def test_the_same_secret_gives_the_same_course_and_another_another(make, tmp_path):
    one, again, other = (
        make(tmp_path / name, secret)
        for name, secret in [("a", SECRET), ("b", SECRET), ("c", SECRET + "!")]
    )
    assert one == again
    assert hidden(one["small"]) != hidden(other["small"])
    assert SECRET not in one["small"]


def test_only_hidden_cells_differ_from_the_public_notebook(make, tmp_path):
    cells = [
        json.loads(made["small"])["cells"]
        for made in (make(tmp_path / "a"), make(tmp_path / "b", SECRET))
    ]
    for public, secret in zip(*cells, strict=True):
        name = public["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name.endswith("-hidden"):
            secret["source"] = public["source"]
        assert secret == public


def test_the_secret_is_kept_for_the_teacher_alone(make, tmp_path):
    folder = tmp_path / "course"
    made = make(folder, SECRET)
    path = folder / course.MADE_WITH
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert course.MADE_WITH in (folder / ".gitignore").read_text().splitlines()
    assert make(folder) == made  # remembered
    with pytest.raises(ValueError, match="secret that this course was made with, found another"):
        make(folder, "another long secret")


def test_a_short_secret_is_refused(make, tmp_path):
    with pytest.raises(ValueError, match="at least 12 characters, found 5; `openssl"):
        make(tmp_path / "course", "12345")


def test_the_public_folder_gets_no_secret(make, public):
    with pytest.raises(ValueError, match="folder of its own .* COURSE=course"):
        make(public, SECRET)


# -- what follows from it


def test_seeds_are_mixed_in_the_block_and_only_there():
    def numbers():
        return [
            *(np.random.default_rng(seed).random() for seed in (0, 1, [0, 1], np.int64(0), 0)),
            random.Random(3).random(),
        ]

    plain = numbers()
    with check.secret.mixed(2**99):
        one, again, untouched = numbers(), numbers(), np.random.default_rng().random()
        generator = np.random.default_rng(7)
        assert np.random.default_rng(generator) is generator
    with pytest.raises(KeyError), check.secret.mixed(2**99 + 1):
        other = numbers()
        raise KeyError
    assert numbers() == plain
    assert one == again
    assert one[0] == one[3] == one[4] != one[1]
    assert not {*plain, untouched} & {*one} and not {*one} & {*other}


def test_a_hidden_test_keeps_its_texts_over_several_lines(make, tmp_path):
    for number in range(9):  # until the first variant is chosen
        source = hidden(make(tmp_path / str(number), SECRET + str(number))["small"])[
            "double-hidden"
        ]
        if "test_double" in source:
            names = {"double": lambda x: 2 * x, "np": np, "check": check}
            exec(source, names)
            assert names["test_double"].__doc__ == "One line,\nand one that is not indented."
            return
    pytest.fail("no secret chose the first variant")


def test_secrets_choose_among_variants(public):
    origin = course.Origin(public / "text" / "small.py")
    sources = [hidden(course.master(origin, f"{SECRET} {n}"))["double-hidden"] for n in range(12)]
    assert {"test_double" in source for source in sources} == {True, False}


def test_variants_have_the_same_points(public):
    text = public / "text" / "small.py"
    text.write_text(text.read_text().replace("double hidden 3", "double hidden 2", 1))
    with pytest.raises(ValueError, match=r"small.py: .*same points.*double, found \[2, 3\]"):
        notebook(text)


@pytest.mark.parametrize("header", ["double hiden 3", "double", "", "double hidden three"])
def test_a_header_that_cannot_be_understood_is_named(public, header):
    text = public / "text" / "small.py"
    text.write_text(text.read_text().replace("double hidden 3", header, 1))
    with pytest.raises(ValueError, match=f"small.py: expected .* found '{header}'"):
        notebook(text)


# -- the overlay


def test_an_overlay_adds_replaces_and_supplements(make, tmp_path):
    overlay = tmp_path / "private"
    overlay.mkdir()
    (overlay / "own.py").write_text(SETUP + TASK)
    (overlay / "small.py").write_text('# %% nbgrader="double hidden"\nassert double(4) == 8\n')
    made = make(tmp_path / "course", SECRET, overlay)
    assert made.keys() == {"own", "small"}
    assert "    assert double(4) == 8" in hidden(made["small"])["double-hidden"]
    assert "double(4)" not in made["own"]
    assert make(tmp_path / "course") == made  # remembered
    (overlay / "small.py").write_text(SETUP + TASK.replace("double", "twice"))
    assert hidden(make(tmp_path / "course")["small"]).keys() == {"twice-hidden"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.py", '# %% nbgrader="double hidden"\n1', "expected a setup cell, or the name"),
        (
            "small.py",
            '# %% nbgrader="triple hidden"\n1',
            "TASK one of double, found 'triple hidden",
        ),
        ("small.py", '# %% nbgrader="double hidden 2"\n1', "without points"),
        ("small.py", '# %% nbgrader="double visible"\n1', "found 'double visible"),
        ("small.txt", "", "expected a folder with texts"),
    ],
)
def test_an_overlay_that_fits_nothing_is_refused(make, tmp_path, name, text, message):
    overlay = tmp_path / "private"
    overlay.mkdir()
    (overlay / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        make(tmp_path / "course", None, overlay)
    assert not (tmp_path / "course").exists()


# -- what learners get


def test_the_release_is_the_same_with_a_secret_and_an_overlay(public, tmp_path, monkeypatch):
    monkeypatch.setattr(course, "prove", lambda folder, names, say: [])
    overlay = tmp_path / "private"
    overlay.mkdir()
    (overlay / "small.py").write_text('# %% nbgrader="double hidden"\nassert double(4) == 8\n')
    released = []
    for name, *arguments in [("a",), ("b", SECRET, overlay)]:
        folder = tmp_path / name
        course.make(folder, *arguments, public=public, say=lambda text: None)
        assert (folder / "gradebook.db").exists()
        released.append(
            {p.name: p.read_bytes() for p in folder.glob("release/**/*") if p.is_file()}
        )
    assert released[0] == released[1]
    assert "raise NotImplementedError()" in released[0]["small.ipynb"].decode()
    assert "test_double" not in released[0]["small.ipynb"].decode()


# -- what can be graded


def test_what_cannot_cross_is_told_when_the_course_is_made(public, tmp_path, monkeypatch):
    monkeypatch.setattr(course, "_release", lambda folder, names, say: None)
    bad = (SETUP + TASK).replace("np.ones(2)", "np.ones(2, object)")
    (public / "text" / "odd.py").write_text(bad.replace("return 2 * x", "return 3 * x"))
    with pytest.raises(ValueError) as problems:
        course.make(tmp_path / "course", SECRET, public=public, say=lambda text: None)
    visible, hidden = str(problems.value).splitlines()[::-1]
    assert "odd: expected the model solution to pass double-visible" in visible
    assert "dtype object cannot be handed over" in visible
    assert "odd: expected the model solution to pass double-hidden" in hidden


# -- marks: what is right stays right, what is wrong is caught, and what was looked up is worthless


@pytest.fixture(scope="module")
def ps1():
    return Assignment("ps1-deeper", course.master(PS1, SECRET))


def cheap(tests):
    """Tests without their calls if they are visible: what hidden tests need of them."""
    for name, points, source in tests:
        if name.endswith("visible"):
            tree = ast.parse(source)
            tree.body = [node for node in tree.body if not isinstance(node, ast.Expr)]
            source, points = ast.unparse(tree), 0
        yield name, points, source


#: Training, speed and many ranks: seconds each, and tried before a release.
SLOW = {"small-net", "conv2d", "float16", "equal", "ring", "speed-up", "top-k", "lake", "choose"}
SLOW |= {"nms", "ap", "beam", "assemble", "residual"}


@pytest.mark.parametrize("text", sorted((COURSE / "text").glob("*.py")), ids=lambda p: p.stem)
def test_right_answers_keep_their_marks(text):
    assignment = Assignment(text.stem, course.master(course.Origin(text), SECRET))
    right = import_module(f"{text.stem.split('-')[0]}_right").right_answers()
    others = {task: answer for task, _, answer in right}
    for name, task in assignment.tasks.items():
        if name not in SLOW:
            task.tests = list(cheap(task.tests))
            for answer in (task.solution, others[name]):
                assert assignment.mark(name, answer) == (task.points, []), name


@pytest.mark.parametrize("number", range(0, len(ps1_wrong.MISTAKES), 12))
def test_mistakes_stay_caught(number):
    task, _, changes, message = ps1_wrong.MISTAKES[number]
    secret = Assignment("ps1-deeper", course.master(PS1, f"{SECRET} {number}"))
    answer = secret.tasks[task].solution
    for right, wrong in changes.items():
        answer = answer.replace(right, wrong)
    _, messages = secret.mark(task, answer, until_lost=True)
    assert re.search(message, messages[0])


def said(value):
    """What is told apart in an argument: all of an array, and where a generator stands."""
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    return repr(value)


class Table:
    """A function that gives the answers that it was once seen to give, and knows no others."""

    def __init__(self, function):
        self.function, self.answers, self.learning = function, {}, True

    def __call__(self, *arguments):
        key = tuple(map(said, arguments))
        generators = [a for a in arguments if isinstance(a, np.random.Generator)]
        if self.learning:
            answer = self.function(*arguments)
            self.answers[key] = answer, [g.bit_generator.state for g in generators]
        answer, states = self.answers.get(key, (None, ()))
        for generator, state in zip(generators, states, strict=False):
            generator.bit_generator.state = state
        return answer


TABLED = {
    "conv-naive": ["conv_naive"],
    "conv-forward": ["im2col", "conv_forward"],
    "conv-backward": ["conv_backward"],
    "max-pool": ["max_pool", "max_pool_backward"],
    "he-normal": ["he_normal"],
    "dropout": ["dropout_forward", "dropout_backward"],
    "augment": ["shift"],
}


@pytest.mark.parametrize("task", TABLED)
def test_answers_learnt_from_the_public_tests_earn_nothing(ps1, task):
    public = Assignment("ps1-deeper")

    def earned(assignment, tables):
        names = assignment.namespace() | tables
        for _, points, source in cheap(assignment.tasks[task].tests):
            try:
                run(source, names)
            except Exception:  # of the test or, where the table has no answer, of its caller
                points = 0
        return points  # of the hidden test, which is the last

    solved = public.namespace()
    tables = {name: Table(solved[name]) for name in TABLED[task]}
    full = earned(public, tables)
    for table in tables.values():
        table.learning = False
    assert earned(public, tables) == full > 0
    assert earned(ps1, tables) == 0
