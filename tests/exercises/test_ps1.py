"""The tests of assignment 1 give every answer the marks that it deserves."""

import re

import pytest
from marking import Assignment
from ps1_right import NAMES, right_answers
from ps1_wrong import FINISHED, MISTAKES

assignment = Assignment("ps1-deeper")
TASKS = assignment.tasks


def test_it_is_out_of_100_points():
    assert sum(task.points for task in TASKS.values()) + sum(assignment.manual.values()) == 100
    assert list(TASKS) == list(NAMES)
    assert len(assignment.manual) == 1


@pytest.mark.parametrize("task", TASKS)
def test_the_table_states_points_time_and_difficulty(task):
    text = "\n".join("".join(cell["source"]) for cell in assignment.cells)
    number = list(TASKS).index(task) + 1
    row = re.search(rf"^\| {number}\. .* \| (\d+) \| (\d+) \| (easy|medium|hard) \|$", text, re.M)
    section = re.search(
        rf"^## Task {number}: .*\n\n\*(\d+) points, (\d+) minutes, (easy|medium|hard)\*", text, re.M
    )
    assert row.groups() == section.groups()
    assert int(row[1]) == TASKS[task].points
    # Hints unfold: they stand between this task's heading and the next.
    part = text[section.start() :].split("\n## ")[0] if number == 1 else text[section.start() :]
    assert "<details><summary>Hint" in part.split("\n## Task")[0]


@pytest.mark.parametrize("task", TASKS)
def test_there_are_visible_and_hidden_tests(task):
    kinds = {grade_id.rsplit("-", 1)[1] for grade_id, _, _ in TASKS[task].tests}
    assert kinds == {"visible", "hidden"}


@pytest.mark.parametrize("task", TASKS)
def test_solution_earns_full_marks(task):
    assert assignment.mark(task, TASKS[task].solution) == (TASKS[task].points, [])


@pytest.mark.parametrize("task", TASKS)
def test_stub_earns_nothing(task):
    assert "NotImplementedError" in TASKS[task].stub
    assert "SOLUTION" not in TASKS[task].stub
    earned, _ = assignment.mark(task, TASKS[task].stub)
    assert earned == 0


@pytest.mark.parametrize(
    ("task", "answer"),
    [pytest.param(task, answer, id=f"{task}-{style}") for task, style, answer in right_answers()],
)
def test_another_right_answer_earns_full_marks(task, answer):
    assert assignment.mark(task, answer) == (TASKS[task].points, [])


def test_each_task_has_right_answers_and_mistakes():
    for task in TASKS:
        assert sum(name == task for name, _, _ in right_answers()) >= 2
        assert sum(name == task for name, *_ in MISTAKES) >= 4
        assert sum(name == task for name, _ in FINISHED) == 1


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [pytest.param(task, c, m, id=f"{task}: {name}") for task, name, c, m in MISTAKES],
)
def test_mistake_is_caught_and_named(task, changes, message):
    answer = TASKS[task].solution
    for right, wrong in changes.items():
        assert right in answer, "the solution has changed; so must the mistake"
        answer = answer.replace(right, wrong)
    _, messages = assignment.mark(task, answer, until_lost=True)
    assert messages, "this mistake earns full marks"
    assert re.search(message, messages[0])


@pytest.mark.parametrize(("task", "answer"), FINISHED)
def test_calling_the_finished_layer_is_caught(task, answer):
    earned, messages = assignment.mark(task, answer, until_lost=True)
    assert earned == 0
    assert "finished code of dlcourse" in messages[0]
