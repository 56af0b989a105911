"""Mark a task of an assignment in one process, as a notebook does, or by judge and worker."""

import ast
import copy
import inspect
import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from dlcourse.grading.alone import run
from dlcourse.grading.job import cache
from dlcourse.grading.judge import Judge
from dlcourse.grading.master import understood
from dlcourse.grading.plan import Step
from dlcourse.grading.sandbox import choose

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

    def without_return(self):
        """Yield the name of each function that returns something, and the cell without that."""
        tree = ast.parse(self.solution)
        methods = [p for n in tree.body if isinstance(n, ast.ClassDef) for p in n.body]
        for node in [*tree.body, *methods]:
            forget = _ForgetReturn(node)
            if isinstance(node, ast.FunctionDef):
                cell = forget.visit(copy.deepcopy(tree))
                if forget.forgotten:
                    yield node.name, ast.unparse(cell)

    @property
    def stub(self):
        """What is released: as nbgrader cuts it."""
        cut = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
        return cut.sub(r"\1# YOUR CODE HERE\n\1raise NotImplementedError()", self.solution)


class _ForgetReturn(ast.NodeTransformer):
    """Takes the word ``return`` out of one function."""

    def __init__(self, function):
        self.place, self.inside, self.forgotten = getattr(function, "lineno", 0), False, False

    def visit_FunctionDef(self, node):
        before, self.inside = self.inside, node.lineno == self.place
        self.generic_visit(node)
        self.inside = before
        return node

    def visit_While(self, node):  # without its return it would have no end
        return node

    visit_For = visit_While  # noqa: N815  ast's name

    def visit_Return(self, node):
        if not self.inside or node.value is None:
            return node
        self.forgotten = True
        return ast.Expr(node.value)


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
                run(source, names, f"<{grade_id}>")
                earned += points
            except Exception as error:
                messages.append(f"{grade_id}: {type(error).__name__}: {error}")
                if until_lost:
                    break
        return earned, messages


class Proof:
    """An assignment, with the answers that its tests are tried on: `psN_right`, `psN_wrong`."""

    def __init__(self, name):
        prefix = name.split("-")[0]
        self.assignment = Assignment(name)
        self.tasks = self.assignment.tasks
        self.text = "\n".join("".join(cell["source"]) for cell in self.assignment.cells)
        self.right = list(import_module(f"{prefix}_right").right_answers())
        wrong = import_module(f"{prefix}_wrong")
        self.mistakes, self.finished = wrong.MISTAKES, wrong.FINISHED

    def mistaken(self, task, changes):
        """Return the solution with a mistake in it."""
        answer = self.tasks[task].solution
        for right, wrong in changes.items():
            assert right in answer, "the solution has changed; so must the mistake"
            answer = answer.replace(right, wrong)
        return answer

    def judge(self):
        """Return what marks answers by judge and worker; to be closed."""
        names = sorted(understood(self.assignment.cells).owners)
        return closing(Judge(names, choose(), cache()))

    def notebook(self, task, answer):
        """Return the steps of a notebook in which all is solved, and one task by this answer."""
        one = self.assignment
        # In one process the names of an answer that is no text are put over the solution's.
        solved = [
            Step("theirs", t.name, t.solution)
            for t in one.tasks.values()
            if t.name != task or not isinstance(answer, str)
        ]
        tests = [Step("test", name, text, points) for name, points, text in one.tasks[task].tests]
        answered = Step("theirs", task, as_text(answer))
        return [Step("setup", "setup", one.setup), *solved, answered, *tests]


def as_text(answer):
    """Return an answer as the text of a cell; functions bring along their module."""
    if isinstance(answer, str):
        return answer
    first = next(iter(answer.values()))
    style = first.__qualname__.split(".")[0]
    names = "".join(f"\n{name} = {style}.{name}" for name in answer)
    return inspect.getsource(inspect.getmodule(first)) + names
