"""What a learner is told of a notebook before it is handed in: ``dlcourse check``.

The notebook is read and laid into the released assignment as a teacher's program does it, so that
cells that are missing, double or changed are found in one way; then it is run from the top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcourse.files import Found, reading
from dlcourse.grading import outline, released
from dlcourse.grading.marks import Marks
from dlcourse.grading.master import definitions, understood
from dlcourse.grading.notebooks import MOST_BYTES, Notebook, Unreadable, cell_of, from_json
from dlcourse.grading.patience import Patience
from dlcourse.grading.plan import Plan, Step, lay
from dlcourse.grading.python import parsed, plain
from dlcourse.grading.rehearsal import rehearse
from dlcourse.grading.submission import Submission

#: Seconds that a cell may do nothing.
_IDLE = 10.0


@dataclass(frozen=True)
class Row:
    """What became of one task."""

    name: str
    title: str
    points: float  #: of the visible tests
    of: float
    message: str  #: the first, "" if there is none
    taught: str  #: where to read


@dataclass(frozen=True)
class Question:
    """A question that a person marks."""

    title: str
    of: float
    words: int  #: of the answer


@dataclass(frozen=True)
class Checked:
    """A notebook that was checked.

    Attributes
    ----------
    assignment, title : str
        Its assignment, and the title of that.
    rows : list of Row
        Its tasks.
    questions : list of Question
        What a person marks.
    hidden : float
        The points of tests that are not here.
    remarks : list of str
        What is not in place, a sentence each.
    """

    assignment: str
    title: str
    rows: list[Row]
    questions: list[Question]
    hidden: float
    remarks: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """Of all visible tests."""
        return sum(row.points for row in self.rows)

    @property
    def of(self) -> float:
        """The most that they give."""
        return sum(row.of for row in self.rows)

    @property
    def ready(self) -> bool:
        """Whether nothing is left to do."""
        answered = all(question.words for question in self.questions)
        return self.points == self.of and answered and not self.remarks


def check(
    path: Path,
    seconds: float = 30.0,
    begin: Callable[[int], None] = lambda steps: None,
    say: Callable[[Step], object] = lambda step: None,
) -> Checked:
    """Check a notebook.

    Parameters
    ----------
    path : Path
        Its file.
    seconds : float
        How long one of its cells may compute.
    begin, say : callable
        Called with the number of steps before the first, and with each that is done.

    Raises
    ------
    FileError
        If it is no notebook, or of no assignment.
    """
    notebook = _read(path)
    name, cells = _assignment(path, notebook)
    plan = lay(cells, Submission(notebook.cells, path.name))
    of = outline.of(cells, name)
    # A hidden test has nothing to run here.
    tests = {cell.name for task in of.tasks for cell in task.cells if cell.kind == "test"}
    steps = [step for step in plan.steps if step.kind != "test" or step.name in tests]
    begin(len(steps))
    patience = Patience(seconds, 20 * seconds + 60, _IDLE)
    marks = rehearse(steps, path.resolve().parent, patience, say=say)
    return _checked(path, name, of, plan, marks)


def _read(path: Path) -> Notebook:
    kept = path.parent / ".ipynb_checkpoints" / f"{path.stem}-checkpoint{path.suffix}"
    earlier = f"Jupyter has kept one in {kept}" if kept.is_file() else "else download it again"
    with reading(path, "the notebook of an assignment", f"take an earlier copy; {earlier}"):
        if path.stat().st_size > MOST_BYTES:
            raise Found(f"more than {MOST_BYTES >> 20} MB; clear its outputs")
        try:
            return from_json(path.read_bytes())
        except Unreadable as reason:
            raise Found(f"a file that {reason.found}") from None


def _assignment(path: Path, notebook: Notebook) -> tuple[str, list[dict[str, Any]]]:
    """Return the name of the assignment that a notebook has the most cells of, and its cells."""
    names = {cell.name for cell in notebook.cells if cell.name}
    trees = (parsed(plain(cell.source)) for cell in notebook.cells if cell.kind == "code")
    defined = {name for tree in trees if tree for at in tree.body for name, _ in definitions(at)}
    known = {name: released.cells(name) for name in released.names()}

    def common(name: str) -> tuple[int, bool]:
        marked = {cell_of(cell).name for cell in known[name]} - {"setup", "question"}
        owned = understood(known[name]).owners
        return len(names & marked) + len(defined & owned.keys()), path.stem == name

    best = max(known, key=common)
    if not common(best)[0]:
        with reading(path, "the notebook of an assignment", f"there are {', '.join(known)}"):
            raise Found("one with the cells of none")
    return best, known[best]


def _checked(path: Path, name: str, of: outline.Outline, plan: Plan, marks: Marks) -> Checked:
    mark_of = {mark.name: mark for mark in marks.tests}
    rows, questions, hidden = [], [], 0.0
    for task in of.tasks:
        hidden += sum(cell.of for cell in task.cells if cell.kind == "hidden test")
        for cell in task.cells:
            if cell.kind == "question":
                words = len(plan.words[cell.name].split())
                questions.append(Question(task.title, cell.of, words))
        tests = [mark_of[cell.name] for cell in task.cells if cell.kind == "test"]
        if tests:
            said = [marks.cells.get(task.name, ""), *(test.message for test in tests)]
            rows.append(
                Row(
                    task.name,
                    task.title,
                    sum(test.points for test in tests),
                    sum(test.of for test in tests),
                    next(filter(None, said), ""),
                    task.taught,
                )
            )
    remarks = [*_name(path, name), *plan.remarks, *_own(marks)]
    return Checked(name, of.title, rows, questions, hidden, remarks)


def _name(path: Path, name: str) -> list[str]:
    if path.name == f"{name}.ipynb":
        return []
    return [f"the file is called {path.name}; rename it to {name}.ipynb before you hand it in"]


def _own(marks: Marks) -> list[str]:
    """Say which cells fail that belong to no task: *Run all* stops there."""
    return [
        f"{what} fails, and *Restart and run all* stops there: {marks.cells[name]}"
        for name, what in (("setup", "what you added to the first cell of code"), ("", "a cell"))
        if name in marks.cells
    ]
