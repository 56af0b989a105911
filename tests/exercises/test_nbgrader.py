"""The real nbgrader, from release to export, on every kind of submission."""

import csv
import json
import shutil
import subprocess
import sys

import pytest
from marking import COURSE, Assignment

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

import grade
import nbformat
from ps1_wrong import MISTAKES

NAME = "ps1-deeper"
FILE = f"{NAME}.ipynb"
NAMES = sorted(path.stem for path in (COURSE / "text").glob("*.py"))
assignment = Assignment(NAME)
SOLUTIONS = {name: task.solution for name, task in assignment.tasks.items()}
ADAM = assignment.tasks["adam"].points


def nbgrader(course, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command, cwd=course, env=grade.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with all assignments released."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    shutil.copytree(COURSE / "source", folder / "source")
    for name in NAMES:
        nbgrader(folder, "generate_assignment", name)
    return folder


def read(course, name):
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def released(course):
    return read(course, NAME)


def wrong_adam():
    name, _, changes, _ = next(m for m in MISTAKES if m[:2] == ("adam", "eps under the root"))
    answer = SOLUTIONS[name]
    for right, wrong in changes.items():
        answer = answer.replace(right, wrong)
    return answer


def hand_in(course, student, released, answers, change=lambda cell: cell):
    """Write a submission: the release with cells filled in and changed (None deletes a cell)."""
    notebook = nbformat.from_dict(json.loads(json.dumps(released)))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    notebook.cells = [cell for cell in map(change, notebook.cells) if cell is not None]
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / FILE)


def without_tests(cell):
    mark = cell.metadata.get("nbgrader", {})
    return None if mark.get("locked") or mark.get("grade_id") == "augment" else cell


def with_empty_tests(cell):
    if cell.metadata.get("nbgrader", {}).get("locked"):
        cell.source = "pass"
        cell.metadata["nbgrader"]["points"] = 100
    return cell


@pytest.fixture(scope="module")
def rows(course, released):
    """Hand in, grade with `tools/grade.py`, and return the rows of the CSV by student."""
    loop = "def conv_naive(*args, **kwargs):\n    while True:\n        pass\n"
    hand_in(course, "loop", released, {"conv-naive": loop, "adam": SOLUTIONS["adam"]})
    assert grade.main([NAME, f"--course={course}", "--cell-timeout=8"]) == 0

    hand_in(course, "right", released, SOLUTIONS)
    partly = {"he-normal": SOLUTIONS["he-normal"], "adam": wrong_adam()}
    partly["dropout"] = "print('x\\n' * 100_000)\nthis is no Python"
    hand_in(course, "wrong", released, partly)
    hand_in(course, "blank", released, {})
    hand_in(course, "deleted", released, {"adam": SOLUTIONS["adam"]}, without_tests)
    hand_in(course, "edited", released, {}, with_empty_tests)
    end = "import os\nos._exit(0)"
    hand_in(course, "exit", released, {"conv-forward": end, "conv-naive": SOLUTIONS["conv-naive"]})
    for student, name in (("text", FILE), ("misnamed", "my homework.ipynb"), ("empty", None)):
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        if name:
            text = "Dear teacher," if student == "text" else nbformat.writes(released)
            (folder / name).write_text(text)
    assert grade.main([NAME, f"--course={course}"]) == 0
    with (course / "grades" / f"{NAME}.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_source_is_in_step_with_its_text():
    assignments = pytest.importorskip("assignments", reason="needs jupytext, of requirements/book")
    for text in assignments.TEXTS.glob("*.py"):
        path = assignments.source_path(text)
        assert path.read_text() == assignments.notebook(text), "run python tools/assignments.py"


@pytest.mark.parametrize("name", NAMES)
def test_release_gives_nothing_away(course, name):
    one, released = Assignment(name), read(course, name)
    text = nbformat.writes(released)
    for secret in ("BEGIN", "SOLUTION", "_hidden"):
        assert secret not in text
    sentences = [line for answer in one.manual_answers for line in answer.splitlines()]
    assert sentences
    for sentence in sentences:
        assert sentence not in "".join(cell.source for cell in released.cells)
    assert text.count("raise NotImplementedError()") >= len(one.tasks)
    assert text.count("Hidden tests of this task run here") == len(one.tasks)
    stubs = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in released.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"
    }
    # So that tests/exercises/test_assignments.py speaks of what is really released.
    assert stubs == {name: task.stub for name, task in one.tasks.items()}


@pytest.mark.parametrize("name", NAMES)
def test_released_copy_for_the_book_is_in_step(course, name):
    released, copy = read(course, name), read(COURSE, name)
    assert [c.source for c in copy.cells] == [c.source for c in released.cells]
    assert [c.metadata for c in copy.cells] == [c.metadata for c in released.cells]
    assert not any(cell.get("outputs") for cell in copy.cells)


def test_no_submission_is_lost(rows, course):
    assert sorted(rows) == sorted(p.name for p in (course / "submitted").iterdir())


@pytest.mark.parametrize(
    ("student", "score", "status", "remark"),
    [
        ("right", 92, "graded", ""),
        ("wrong", None, "graded", ""),
        ("blank", 0, "graded", ""),
        ("deleted", ADAM, "needs a look", "deleted cells were put back: setup, conv-naive-visible"),
        ("edited", 0, "needs a look", "edited cells were put back: setup, conv-naive-visible"),
        ("loop", ADAM, "needs a look", "interrupted: conv-naive-visible, conv-naive-hidden"),
        ("exit", None, "", "the kernel died"),
        ("text", None, "not graded", "is not a notebook"),
        ("misnamed", None, "not graded", "only my homework.ipynb"),
        ("empty", None, "not graded", "nothing was handed in"),
    ],
)
def test_each_gets_what_it_deserves(rows, student, score, status, remark):
    row = rows[student]
    if student == "wrong":
        score = assignment.tasks["he-normal"].points
        score += assignment.mark("adam", wrong_adam())[0]
        assert 0 < score < assignment.tasks["he-normal"].points + ADAM
    if score is not None:
        assert float(row["score"]) == score
        assert float(row["max_score"]) == 100
    if status:
        assert row["status"] == status, row["remarks"]
    else:
        assert row["status"] != "graded"
    assert remark in row["remarks"]
    assert remark or not row["remarks"]


def test_output_is_cut(rows, course):
    graded = course / "autograded" / "wrong" / NAME / FILE
    assert graded.stat().st_size < 1_000_000


def test_feedback_and_export(rows, course):
    nbgrader(course, "generate_feedback", NAME)
    page = (course / "feedback" / "wrong" / NAME / f"{NAME}.html").read_text()
    assert "Not right yet" in page
    nbgrader(course, "export", "--to=all.csv")
    with (course / "all.csv").open(newline="") as file:
        every = list(csv.DictReader(file))
    exported = {row["student_id"]: row for row in every if row["assignment"] == NAME}
    for student, row in rows.items():
        if row["status"] != "not graded":
            assert float(exported[student]["score"]) == float(row["score"])


def test_a_second_grading_keeps_what_there_is(rows, course, capsys):
    before = {p: p.stat().st_mtime for p in (course / "logs" / NAME).iterdir()}
    assert grade.main([NAME, f"--course={course}"]) == 0
    assert {p: p.stat().st_mtime for p in (course / "logs" / NAME).iterdir()} == before
    assert f"{len(rows)} submissions" in capsys.readouterr().out


def test_validate_tells_a_learner(course, released, tmp_path):
    said = {}
    for name, answers in (("blank", {}), ("adam", {"adam": SOLUTIONS["adam"]})):
        notebook = nbformat.from_dict(json.loads(json.dumps(released)))
        # Two tasks are enough, and no training.
        notebook.cells = [
            cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id", "").split("-")[0]
            in ("setup", "adam")
        ]
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        command = [sys.executable, "-m", "nbgrader", "validate", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=grade.environment())
        said[name] = done.stdout + done.stderr
    assert "VALIDATION FAILED" in said["blank"]
    assert "Success" in said["adam"]


def test_nothing_handed_in_yet(tmp_path, capsys):
    assert grade.main([NAME, f"--course={tmp_path}"]) == 1
    assert "is not released in" in capsys.readouterr().out
    (tmp_path / "release" / NAME).mkdir(parents=True)
    assert grade.main([NAME, f"--course={tmp_path}"]) == 1
    assert "there are no submissions: expected" in capsys.readouterr().out
