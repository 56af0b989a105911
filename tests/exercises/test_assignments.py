"""The tests of each assignment give every answer the marks that it deserves."""

import re
from importlib import import_module

import pytest
from marking import COURSE, Assignment


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


PROOFS = {path.stem: Proof(path.stem) for path in sorted((COURSE / "text").glob("*.py"))}


def each(values, name):
    """Parametrize with values that belong to a proof, and name them after its assignment."""
    return [
        pytest.param(proof, *value, id=f"{assignment}-{name(*value)}")
        for assignment, proof in PROOFS.items()
        for value in values(proof)
    ]


each_task = pytest.mark.parametrize(
    ("proof", "task"), each(lambda proof: [(task,) for task in proof.tasks], lambda task: task)
)


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_it_is_out_of_100_points(proof):
    points = [task.points for task in proof.tasks.values()]
    assert sum(points) + sum(proof.assignment.manual.values()) == 100
    assert len(proof.assignment.manual) == 1


@each_task
def test_the_table_states_points_time_and_difficulty(proof, task):
    number = list(proof.tasks).index(task) + 1
    kind = "(easy|medium|hard)"
    row = re.search(rf"^\| {number}\. .* \| (\d+) \| (\d+) \| {kind} \|$", proof.text, re.M)
    heading = rf"^## Task {number}: .*\n\n\*(\d+) points, (\d+) minutes, {kind}\*"
    section = re.search(heading, proof.text, re.M)
    assert row.groups() == section.groups()
    assert int(row[1]) == proof.tasks[task].points
    # Hints unfold: they stand between this task's heading and the next.
    part = proof.text[section.start() :].split("\n## Task")[0]
    assert "<details><summary>Hint" in part


@each_task
def test_there_are_visible_and_hidden_tests(proof, task):
    kinds = {grade_id.rsplit("-", 1)[1] for grade_id, _, _ in proof.tasks[task].tests}
    assert kinds == {"visible", "hidden"}


@each_task
def test_solution_earns_full_marks(proof, task):
    one = proof.tasks[task]
    assert proof.assignment.mark(task, one.solution) == (one.points, [])


@each_task
def test_stub_earns_nothing(proof, task):
    stub = proof.tasks[task].stub
    assert "NotImplementedError" in stub
    assert "SOLUTION" not in stub
    earned, _ = proof.assignment.mark(task, stub)
    assert earned == 0


@pytest.mark.parametrize(
    ("proof", "task", "style", "answer"),
    each(lambda proof: proof.right, lambda task, style, answer: f"{task}-{style}"),
)
def test_another_right_answer_earns_full_marks(proof, task, style, answer):
    assert proof.assignment.mark(task, answer) == (proof.tasks[task].points, [])


@each_task
def test_there_are_right_answers_and_mistakes(proof, task):
    assert sum(name == task for name, _, answer in proof.right if answer) >= 2
    assert sum(name == task for name, *_ in proof.mistakes) >= 4
    assert sum(name == task for name, _ in proof.finished) == 1


@pytest.mark.parametrize(
    ("proof", "task", "mistake", "changes", "message"),
    each(lambda proof: proof.mistakes, lambda task, mistake, *_: f"{task}: {mistake}"),
)
def test_mistake_is_caught_and_named(proof, task, mistake, changes, message):
    answer = proof.tasks[task].solution
    for right, wrong in changes.items():
        assert right in answer, "the solution has changed; so must the mistake"
        answer = answer.replace(right, wrong)
    _, messages = proof.assignment.mark(task, answer, until_lost=True)
    assert messages, "this mistake earns full marks"
    assert re.search(message, messages[0])


@pytest.mark.parametrize(
    ("proof", "task", "answer"), each(lambda proof: proof.finished, lambda task, answer: task)
)
def test_calling_the_finished_code_is_caught(proof, task, answer):
    earned, messages = proof.assignment.mark(task, answer, until_lost=True)
    assert earned == 0
    assert "finished code of dlcourse" in messages[0]
