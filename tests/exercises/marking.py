"""Mark a task of an assignment in this process: fast enough to try every kind of answer."""

import contextlib
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "exercises"


@dataclass
class Task:
    """A cell that learners fill in, and the test cells after it."""

    name: str
    solution: str
    tests: list = field(default_factory=list)  # (grade_id, points, source)

    @property
    def points(self):
        return sum(points for _, points, _ in self.tests)

    @property
    def stub(self):
        """What is released: as nbgrader cuts it."""
        cut = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
        return cut.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError()", self.solution)


class Assignment:
    """The source notebook of an assignment, by task."""

    def __init__(self, name, notebook=None):
        if notebook is None:
            path = COURSE / "source" / name / f"{name}.ipynb"
            notebook = path.read_text(encoding="utf-8")
        self.cells = json.loads(notebook)["cells"]
        self.setup, self.tasks, self.manual, self.manual_answers = None, {}, {}, []
        for cell in self.cells:
            mark, source = cell["metadata"].get("nbgrader"), "".join(cell["source"])
            if mark is None:
                continue
            if mark["grade_id"] == "setup":
                self.setup = source
            elif cell["cell_type"] == "markdown":
                self.manual[mark["grade_id"]] = mark["points"]
                self.manual_answers.append(source.strip().split("\n", 1)[1].rsplit("\n", 1)[0])
            elif mark["solution"]:
                current = self.tasks[mark["grade_id"]] = Task(mark["grade_id"], source)
            else:
                current.tests.append((mark["grade_id"], mark["points"], source))

    def namespace(self):
        """Return the names that a notebook with every task solved has defined."""
        names = {"__name__": "__main__"}
        run(self.setup, names)
        for task in self.tasks.values():
            run(task.solution, names)
        return names

    def mark(self, task, answer, until_lost=False):
        """Return the points earned and the messages of the tests that failed.

        `answer` is the text of the learner's cell, or the functions that it would define, by
        name. With `until_lost` no test is run after the first that fails.
        """
        names = self.namespace()
        if isinstance(answer, str):
            run(answer, names)
        else:
            names.update(answer)
        earned, messages = 0, []
        for grade_id, points, source in self.tasks[task].tests:
            try:
                run(source, names)
                earned += points
            except Exception as error:
                messages.append(f"{grade_id}: {type(error).__name__}: {error}")
                if until_lost:
                    break
        return earned, messages


def run(source, names):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "<cell>", "exec"), names)
