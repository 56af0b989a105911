"""What `dlcourse check` and `dlcourse progress` say of notebooks as learners have them."""

import json
import subprocess
import sys

import pytest
from marking import COURSE, Assignment

from dlcourse.grading import checkup, released
from dlcourse.grading import progress as kept
from dlcourse.grading.limits import Limits
from dlcourse.grading.patience import Patience
from dlcourse.grading.plan import Step
from dlcourse.grading.rehearsal import rehearse

NAME = "ps1-deeper"
#: Two tasks are enough, and no training.
TASKS = {NAME: ("he-normal", "adam"), "ps4-distributed": ("speed-up",)}
SOLUTIONS = {name: task.solution for name, task in Assignment(NAME).tasks.items()}
RIGHT = {task: SOLUTIONS[task] for task in TASKS[NAME]} | {"question": "It learns the noise."}
HANGS = "def he_normal(shape, rng):\n    while True: pass"


def name_of(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def is_of(cell, tasks):
    name = name_of(cell)
    tests = {f"{task}-{kind}" for task in tasks for kind in ("visible", "hidden")}
    return name is None or name in {"setup", "question", *tasks, *tests}


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    """Two assignments, released with few of their tasks, and a folder of its own for progress."""
    folder = tmp_path / "release"
    for name, tasks in TASKS.items():
        content = json.loads((COURSE / "release" / name / f"{name}.ipynb").read_text())
        content["cells"] = [cell for cell in content["cells"] if is_of(cell, tasks)]
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.ipynb").write_text(json.dumps(content))
    monkeypatch.setattr(released, "_FOLDERS", (folder,))
    monkeypatch.setattr(kept, "user_data", lambda: tmp_path / "data")


@pytest.fixture
def notebook(tmp_path):
    """Return a function that writes a released notebook with answers, changed by another."""

    def write(answers, change=lambda cells: cells, name=f"{NAME}.ipynb"):
        content = json.loads(released.path(NAME).read_text())
        for cell in content["cells"]:
            cell["source"] = answers.get(name_of(cell), cell["source"])
        content["cells"] = change(content["cells"])
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def check(run):
    """Check a notebook; return the exit status, and what it says as one line."""

    def checked(path, *options):
        code, out, err = run("check", "--no-progress", path, *options)
        return code, " ".join(out.split()), err

    return checked


def code(source):
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def test_the_stub_is_told_what_is_not_written(check, notebook):
    status, said, _ = check(notebook({}))
    assert status == 1
    assert "0 of 2 Task 5: He initialisation This part is not written yet" in said
    assert "Visible tests: 0 of 6 points." in said and "no answer yet" in said
    assert "To look at" not in said


def test_a_right_one_is_in_place(check, notebook):
    status, said, err = check(notebook(RIGHT))
    assert (status, err) == (0, "")
    assert "Visible tests: 6 of 6 points. Not counted here: 10 points of hidden tests" in said
    assert f"hand in {NAME}.ipynb" in said


def test_a_half_done_one_is_told_the_cause_by_task(check, notebook):
    half = {**RIGHT, "he-normal": "def he_normal(shape, rng):\n    return shape.prod()"}
    status, said, _ = check(notebook(half))
    assert status == 1 and "4 of 4 Task 7: Adam" in said
    assert (
        "ended with an AttributeError in line 2 of its cell: 'tuple' object has no attribute 'prod'"
        in said
    )


def test_an_error_of_syntax_is_told_with_its_line_and_not_as_a_name_that_is_missing(
    check, notebook
):
    _, said, _ = check(notebook({**RIGHT, "he-normal": "def he_normal(shape, rng:\n    return 1"}))
    assert "SyntaxError: '(' was never closed (line 1 of the cell)" in said
    assert "NameError" not in said


def test_the_section_that_teaches_a_task_is_named(check, notebook):
    path = released.path(NAME)
    path.write_text(path.read_text().replace("*6 points, 15", "Taught in: [A](b.md)\\n*6 points"))
    _, said, _ = check(notebook({}))
    assert said.count("Where to read: A ") == 1


def test_another_name_is_told_with_the_right_one(check, notebook):
    status, said, _ = check(notebook(RIGHT, name="ps4-distributed.ipynb"))
    assert status == 1 and "Visible tests: 6 of 6 points." in said
    assert "the file is called ps4-distributed.ipynb; rename it to ps1-deeper.ipynb" in said


def without(*names):
    return lambda cells: [cell for cell in cells if name_of(cell) not in names]


def emptied(cells):
    return [{**c, "source": "pass"} if name_of(c) == "adam-visible" else c for c in cells]


@pytest.mark.parametrize(
    "change, remark",
    [
        (without("he-normal"), "no cell defines he_normal"),
        (without("adam-visible"), "tests are missing, and the teacher's were run: adam"),
        (emptied, "tests that differ from the teacher's were not run: adam"),
        (lambda cells: [*cells, code(RIGHT["adam"])], "MyAdam is there in 2 cells"),
        (
            lambda cells: [*cells[:3], code("x = 1\nprint(y)"), *cells[3:]],
            "NameError: name 'y' is not defined (line 2 of the cell); it begins with `x = 1`",
        ),
    ],
)
def test_what_is_not_in_place_is_told_and_the_original_named(check, notebook, change, remark):
    status, said, _ = check(notebook(RIGHT, change))
    assert status == 1 and remark in said
    assert str(released.path(NAME)) in said
    assert "4 of 4 Task 7: Adam" in said  # by the original test


def test_a_cell_that_computes_for_ever_is_ended_and_named_and_the_others_run(check, notebook):
    _, said, _ = check(notebook({**RIGHT, "he-normal": HANGS}), "--seconds", 4)
    where = "in he_normal, line 2 of its cell"
    told = f"Task 5: He initialisation It was ended ({where}): it computed for more than 4 seconds"
    assert told in said
    assert "4 of 4 Task 7: Adam" in said


def test_a_cell_that_waits_for_ever_is_ended_and_named(check, notebook, monkeypatch):
    monkeypatch.setattr(checkup, "_IDLE", 2.0)
    waits = "import threading\nthreading.Event().wait()"
    _, said, _ = check(notebook({**RIGHT, "he-normal": waits}))
    assert "It was ended (line 2 of the cell): it did nothing for 2 seconds; what does" in said
    assert "4 of 4 Task 7: Adam" in said


def test_nobody_answers_a_question_of_a_cell(check, notebook):
    _, said, _ = check(notebook({**RIGHT, "he-normal": "input('your name? ')"}))
    assert "EOFError" in said


CRASH = "import os\nos._exit(3)"


@pytest.mark.parametrize(
    "source, reason",
    [
        (CRASH, ": the program ended itself"),
        (
            "x = b'x' * (500 << 20)\nwhile True: pass",
            " (line 2 of the cell): it took more than 400 MiB of memory",
        ),
    ],
)
def test_a_cell_that_ends_its_process_is_named(tmp_path, source, reason):
    steps = [
        Step("theirs", "a", "first = 1"),
        Step("test", "a-visible", "assert first", 1.0),
        Step("theirs", "b", source),
        Step("test", "b-visible", "assert first == 1", 2.0),
    ]
    marks = rehearse(steps, tmp_path, Patience(), Limits(memory=400 << 20))
    assert marks.cells == {"b": f"It was ended{reason}."}
    assert [test.points for test in marks.tests] == [1.0, 2.0]


def test_after_three_that_are_ended_the_others_are_not_run(tmp_path):
    steps = [Step("test", f"{n}", CRASH if n < 3 else "pass", 1.0) for n in range(5)]
    tests = rehearse(steps, tmp_path, Patience()).tests
    assert ["ended itself" in test.message for test in tests] == [True, True, True, False, False]
    assert "mend those first" in tests[3].message and tests[3].points == 0


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    steps = tmp_path / "steps.json"
    hangs = {"kind": "theirs", "name": "a", "source": "while True: pass", "points": 0.0}
    steps.write_text(json.dumps([[0, hangs]]))
    command = [sys.executable, "-P", "-m", "dlcourse.grading.alone", steps, tmp_path / "results"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    process.stdin.close()
    assert process.wait() == 1


def test_modules_beside_the_notebook_are_found(check, notebook, tmp_path):
    (tmp_path / "mine.py").write_text("import math\nimport numpy as np\n" + RIGHT["he-normal"])
    _, said, _ = check(notebook({**RIGHT, "he-normal": "from mine import he_normal"}))
    assert "2 of 2 Task 5" in said


@pytest.mark.parametrize(
    "content, found",
    [
        ('{"cells": [{"cell_type": "co', "found a file that is cut off in the middle; take an"),
        ("", "found a file that is empty"),
        ("<html>", "found a file that is a web page"),
        ('{"cells": [{"cell_type": "code", "source": "1"}]}', "there are ps1-deeper, ps4-dist"),
    ],
)
def test_what_is_no_notebook_of_the_course_gets_one_sentence(check, tmp_path, content, found):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(content)
    status, said, err = check(path)
    assert (status, said) == (1, "") and found in err and err.count("\n") == 1
    assert not kept.folder().exists()


def test_an_earlier_copy_of_a_truncated_file_is_named(check, tmp_path):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text('{"cells": [')
    copy = tmp_path / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb"
    copy.parent.mkdir()
    copy.write_text("{}")
    assert str(copy) in check(path)[2]


def test_a_package_that_is_missing_is_named(notebook):
    start = "import sys; sys.modules['psutil'] = None; from dlcourse.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "check", notebook({})], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "dlcourse check needs psutil" in done.stderr and "pip install psutil" in done.stderr


def test_progress_is_kept_shown_and_erased(run, check, notebook):
    out = run("progress")[1]
    assert out.count("not checked yet") == 2 and "Next: begin ps1-deeper" in out
    check(notebook({"adam": RIGHT["adam"]}))
    out = run("progress")[1]
    assert "4 of   6 points,  1 of  2 tasks" in out and out.count("not checked yet") == 1
    assert "Next: Task 5: He initialisation (ps1-deeper)." in out
    check(notebook(RIGHT))
    assert "Next: begin ps4-distributed" in run("progress")[1]
    assert "erased" in run("progress", "--forget")[1]
    assert run("progress")[1].count("not checked yet") == 2
    assert "nothing to erase" in run("progress", "--forget")[1]


@pytest.mark.parametrize("content", ["{", '{"format": "other"}', '{"format": 1, "points": []}'])
def test_damaged_progress_is_told_with_what_to_do(run, content):
    kept.folder().mkdir(parents=True)
    (kept.folder() / f"{NAME}.json").write_text(content)
    status, _, err = run("progress")
    assert status == 1 and "dlcourse progress --forget" in err and err.count("\n") == 1
    assert run("progress", "--forget")[0] == 0


def test_an_installation_without_the_assignments_is_told(check, notebook, tmp_path, monkeypatch):
    path = notebook({})
    monkeypatch.setattr(released, "_FOLDERS", (tmp_path / "none",))
    assert "install dlcourse again" in check(path)[2]
