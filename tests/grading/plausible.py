"""Hand-ins of assignment 1 as learners really make them, each with the mark that it deserves."""

import copy
import io
import json
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from marking import COURSE, Assignment
from ps1_wrong import MISTAKES

NAME = "ps1-deeper"
FILE = f"{NAME}.ipynb"
assignment = Assignment(NAME)
SOLUTIONS = {name: task.solution for name, task in assignment.tasks.items()}
POINTS = {name: task.points for name, task in assignment.tasks.items()}
#: Two short tasks that take no time, of 6 and 10 points.
CHEAP = {name: SOLUTIONS[name] for name in ("he-normal", "adam")}
RELEASED = (COURSE / "release" / NAME / FILE).read_text(encoding="utf-8")


@dataclass(frozen=True)
class HandIn:
    """A hand-in: how it is put into a folder, and its mark, None if it cannot have one."""

    put: Callable
    mark: float | None


HAND_INS: dict[str, HandIn] = {}


def deserves(mark, name=None):
    """Make a function that puts files into a folder a hand-in, under its name."""

    def register(put):
        HAND_INS[name or put.__name__.strip("_").replace("_", "-")] = HandIn(put, mark)
        return put

    return register


def hand_in(course, names=None):
    """Put hand-ins into a course, all or those named, and return the marks that they deserve."""
    marks = {}
    for name in HAND_INS if names is None else names:
        folder = course / "submitted" / name / NAME
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        HAND_INS[name].put(folder)
        marks[name] = HAND_INS[name].mark
    return marks


def grade_id(cell):
    return (cell["metadata"].get("nbgrader") or {}).get("grade_id")


def place(notebook, name):
    return [grade_id(cell) for cell in notebook["cells"]].index(name)


def own(source, kind="code"):
    cell = {"cell_type": kind, "id": f"own-{len(source)}", "metadata": {}, "source": source}
    return cell | {"outputs": [], "execution_count": None} if kind == "code" else cell


def text(cell):
    return "".join(cell["source"])


def filled(answers=CHEAP, first=None, last=None):
    """Return the released notebook with answers in it, and cells of the learner's own."""
    notebook = json.loads(RELEASED)
    for cell in notebook["cells"]:
        cell["source"] = answers.get(grade_id(cell), text(cell))
    if first is not None:
        notebook["cells"].insert(place(notebook, "setup") + 1, own(first))
    if last is not None:
        notebook["cells"].append(own(last))
    return notebook


def without_ids(notebook, minor):
    for cell in notebook["cells"]:
        cell.pop("id", None)
    return notebook | {"nbformat_minor": minor}


def write(folder, notebook, name=FILE, encoding="utf-8", newline="\n"):
    text = json.dumps(notebook, indent=1, ensure_ascii=False).replace("\n", newline)
    (folder / name).write_bytes(text.encode(encoding))


def as_script(notebook):
    """Return a notebook as VS Code exports it."""
    parts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            parts.append("# %%\n" + text(cell))
        else:
            lines = text(cell).splitlines()
            parts.append("# %% [markdown]\n" + "\n".join(f"# {line}" for line in lines))
    return "\n\n".join(parts)


def zipped(notebook, name=FILE):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, json.dumps(notebook))
    return data.getvalue()


def simply(name, mark, make):
    """Register a hand-in that is one notebook of the usual name."""
    deserves(mark, name)(lambda folder: write(folder, make()))


# How much is right.


def _all_wrong():
    wrong, seen = dict(SOLUTIONS), set()
    for task, _, changes, _ in MISTAKES:
        if task not in seen:
            seen.add(task)
            for right, mistake in changes.items():
                wrong[task] = wrong[task].replace(right, mistake)
    return filled(wrong)


HALF = dict(list(SOLUTIONS.items())[:5])
simply("right", 92, lambda: filled(SOLUTIONS))
simply("half-right", sum(POINTS[name] for name in HALF), lambda: filled(HALF))
simply("blank", 0, lambda: filled({}))
simply("all-wrong", 3, _all_wrong)
WORDS = "1. A mirrored 2 is no digit. 2. Look at a grid. 3. Rotation by 15 degrees."
simply("with-answer-in-words", 16, lambda: filled({**CHEAP, "question": WORDS}))

# The names of files.

for _name, _file in {
    "browser-renamed": "ps1-deeper (1).ipynb",
    "own-name": "PS1_Smith_final.ipynb",
    "capitals": "PS1-Deeper.ipynb",
}.items():
    deserves(16, _name)(lambda folder, file=_file: write(folder, filled(), file))


@deserves(16, "zipped")
def _zipped(folder):
    (folder / f"{NAME}.zip").write_bytes(zipped(filled()))


@deserves(16)
def zip_named_ipynb(folder):
    (folder / FILE).write_bytes(zipped(filled()))


@deserves(16)
def script(folder):
    (folder / f"{NAME}.py").write_text(as_script(filled()), encoding="utf-8")


@deserves(16)
def nested(folder):
    (folder / NAME).mkdir()
    write(folder / NAME, filled())


@deserves(16)  # nothing is answered in the file with the usual name
def two_files(folder):
    write(folder, filled({}))
    write(folder, filled(), f"{NAME}-final.ipynb")


@deserves(16)
def checkpoints(folder):
    write(folder, filled())
    (folder / ".ipynb_checkpoints").mkdir()
    write(folder / ".ipynb_checkpoints", filled({}), f"{NAME}-checkpoint.ipynb")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


@deserves(16)
def helper_file(folder):
    (folder / "helper.py").write_text("ANSWER = 42\n")
    write(folder, filled(first="import helper\nassert helper.ANSWER == 42"))


@deserves(None)
def empty_folder(folder):
    pass


@deserves(None)
def empty_file(folder):
    (folder / FILE).write_bytes(b"")


@deserves(None, "__MACOSX")  # which is no student
def _macosx(folder):
    (folder / f"._{FILE}").write_bytes(b"\0\5\26\7")


# Formats.


def _nbformat_3():
    notebook = filled()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source").splitlines(keepends=True)
            cell["language"] = "python"
            cell["prompt_number"] = cell.pop("execution_count", None)
    cells = notebook.pop("cells")
    return notebook | {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}


def _same_ids():
    notebook = filled()
    for cell in notebook["cells"][4:7]:
        cell["id"] = "x"
    return notebook


simply("nbformat-4.0", 16, lambda: without_ids(filled(), 0))
simply("nbformat-3", 16, _nbformat_3)
simply("nbformat-4.4", 16, lambda: without_ids(filled(), 4))
simply("nbformat-future", 16, lambda: filled() | {"nbformat_minor": 99})
simply("dup-cell-ids", 16, _same_ids)
deserves(16, "bom")(lambda folder: write(folder, filled(), encoding="utf-8-sig"))
deserves(16, "utf-16")(lambda folder: write(folder, filled(), encoding="utf-16"))
deserves(16, "crlf")(lambda folder: write(folder, filled(), newline="\r\n"))


@deserves(None)
def truncated(folder):
    text = json.dumps(filled())
    (folder / FILE).write_text(text[: len(text) // 2])


@deserves(None)
def merge_conflict(folder):
    text = json.dumps(filled())
    (folder / FILE).write_text(f"<<<<<<< HEAD\n{text}\n=======\n{text}\n>>>>>>> theirs\n")


# Cells.


def _copied_solution():
    notebook = filled()
    at = place(notebook, "adam")
    first = copy.deepcopy(notebook["cells"][at])
    first["source"] = "# my first try\n" + first["source"].replace("sqrt", "sqr_t")
    notebook["cells"].insert(at, first | {"id": "copied"})
    return notebook


def _copied_test():
    notebook = filled()
    at = place(notebook, "adam-visible")
    again = copy.deepcopy(notebook["cells"][at])
    notebook["cells"].insert(at + 1, again | {"id": "copied"})
    return notebook


def _without_tests():
    notebook = filled()
    notebook["cells"] = [
        cell
        for cell in notebook["cells"]
        if not (cell["metadata"].get("nbgrader") or {}).get("locked")
    ]
    return notebook


def _reversed():
    notebook = filled()
    notebook["cells"].reverse()
    return notebook


def _moved_down():
    notebook = filled()
    notebook["cells"].append(notebook["cells"].pop(place(notebook, "adam")))
    return notebook


def _in_own_cell():
    notebook = filled()
    at = place(notebook, "adam")
    notebook["cells"].insert(at, own(notebook["cells"][at]["source"]))
    notebook["cells"][at + 1]["source"] = "# see the cell above"
    return notebook


def _lost_mark():
    notebook = filled()
    notebook["cells"][place(notebook, "adam")]["metadata"] = {}
    return notebook


def _raw():
    notebook = filled()
    cell = notebook["cells"][place(notebook, "adam")]
    cell["cell_type"] = "raw"
    cell.pop("outputs"), cell.pop("execution_count")
    return notebook


def _stripped():
    notebook = filled()
    for cell in notebook["cells"]:
        cell["metadata"] = {"id": "abc"}
    return notebook | {"metadata": {"colab": {"provenance": []}}}


def _colab():
    notebook = without_ids(filled(), 0)
    user = {"displayName": "A", "userId": "1"}
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"]["id"] = f"aB{number}xyz"
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"outputId": "x", "executionInfo": {"status": "ok", "user": user}}
    colab = {"provenance": [], "gpuType": "T4"}
    return notebook | {"metadata": {"colab": colab, "accelerator": "GPU"}}


def _kernel(kernel):
    return filled() | {"metadata": {"kernelspec": kernel} if kernel else {}}


simply("copied-solution-cell", 16, _copied_solution)  # the first is a broken try
simply("copied-test-cell", 16, _copied_test)
simply("tests-deleted", 16, _without_tests)
simply("reversed", 16, _reversed)
simply("solution-moved-down", 16, _moved_down)
simply("solution-in-own-cell", 16, _in_own_cell)
simply("solution-lost-its-metadata", 16, _lost_mark)
simply("cell-turned-raw", 16, _raw)
simply("all-metadata-stripped", 16, _stripped)
simply("colab-saved", 16, _colab)
simply("conda-kernel", 16, lambda: _kernel({"name": "conda-env-foo-py", "language": "python"}))
simply("no-kernelspec", 16, lambda: _kernel(None))

# What the cells say.


def _large_outputs():
    notebook = filled(last="1")
    picture = {"image/png": "A" * 20_000_000}
    shown = {"output_type": "display_data", "metadata": {}, "data": picture}
    printed = {"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}
    notebook["cells"][1]["outputs"] = [shown]
    notebook["cells"][-1]["outputs"] = [printed]
    return notebook


simply("20-mb-saved-output", 16, _large_outputs)
for _name, _source in {
    "20-mb-lines": "for i in range(2_000_000): print('epoch', i % 10)",
    "20-mb-one-line": "print('x' * 20_000_000)",
    "progress-bar": "import sys\nfor i in range(200_000): "
    "print(f'\\rstep {i}', end='', flush=i % 100 == 0)",
    "asks-input": "name = input('your name? ')",
    "own-cell-fails": "from google.colab import drive\ndrive.mount('/content/drive')",
}.items():
    simply(_name, 16, lambda source=_source: filled(first=source))
simply(
    "magics",
    16,
    lambda: filled(
        {**CHEAP, "adam": "%%time\n" + SOLUTIONS["adam"]},
        "%matplotlib inline\n!ls > /dev/null\n%load_ext autoreload\n%autoreload 2",
    ),
)

# The names of people.

for _name in (
    "Ann Smith",
    "Łukasz Żółć",
    "山田太郎",
    unicodedata.normalize("NFD", "José Núñez"),
    "o'brien",
    "s12345678@uni.example",
    "very-" + "long-" * 20 + "name",
):
    simply(_name, 16, filled)

# Time.


@deserves(16)
def late(folder):
    write(folder, filled())
    (folder / "timestamp.txt").write_text("2030-01-01 12:00:00 UTC\n")


simply("resubmits", 10, lambda: filled({"adam": SOLUTIONS["adam"]}))
