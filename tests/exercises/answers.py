"""The tests of an assignment give every answer the marks that it deserves, in either way to mark.

Each assignment has a file of its own, `test_ps1.py` and so on, which names it and takes these
tests, so that several can run at once. An answer is marked in one process, as in a learner's
notebook, and by judge and worker, as by a teacher; `conftest.py` hands out what is recorded.
"""

import re


def test_it_is_out_of_100_points(proof):
    points = [task.points for task in proof.tasks.values()]
    assert sum(points) + sum(proof.assignment.manual.values()) == 100
    assert len(proof.assignment.manual) == 1


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


def test_there_are_visible_and_hidden_tests(proof, task):
    kinds = {grade_id.rsplit("-", 1)[1] for grade_id, _, _ in proof.tasks[task].tests}
    assert kinds == {"visible", "hidden"}


def test_there_are_right_answers_and_mistakes(proof, task):
    assert sum(name == task for name, _, answer in proof.right if answer) >= 2
    assert sum(name == task for name, *_ in proof.mistakes) >= 4
    assert sum(name == task for name, _ in proof.finished) == 1


def marked(proof, judge, task, answer, until_lost=False):
    """Return the points, which are the same in one process and in two, and what both say."""
    points, messages = proof.assignment.mark(task, answer, until_lost)
    tests = judge.mark(proof.notebook(task, answer), until_lost).tests
    others = [test.message for test in tests if test.message]
    assert (points, len(messages)) == (sum(test.points for test in tests), len(others)), others
    return points, list(zip(messages, others, strict=True))


def test_solution_earns_full_marks(proof, judge, task):
    one = proof.tasks[task]
    assert marked(proof, judge, task, one.solution) == (one.points, [])


def test_stub_earns_nothing(proof, judge, task):
    stub = proof.tasks[task].stub
    assert "NotImplementedError" in stub
    assert "SOLUTION" not in stub
    assert marked(proof, judge, task, stub)[0] == 0


def test_a_forgotten_return_is_named(proof, judge, task):
    for function, answer in proof.tasks[task].without_return():
        _, messages = marked(proof, judge, task, answer, until_lost=True)
        for said in messages[0]:
            assert re.search(r"[Rr]eturn|a row and a column", said), (function, said)


def test_another_right_answer_earns_full_marks(proof, judge, right):
    task, _, answer = right
    assert marked(proof, judge, task, answer) == (proof.tasks[task].points, [])


def test_mistake_is_caught_and_named(proof, judge, mistake):
    task, _, changes, message = mistake
    _, messages = marked(proof, judge, task, proof.mistaken(task, changes), until_lost=True)
    assert messages, "this mistake earns full marks"
    here, there = messages[0]
    assert re.search(message, here)
    # In two processes what a test defines is not there to be called, and the judge itself notices
    # what becomes of an array after its call.
    sooner = "is not defined", "An array of an earlier call was changed"
    assert re.search(message, there) or any(said in there for said in sooner)


def test_calling_the_finished_code_is_caught(proof, judge, finished):
    task, answer = finished
    earned, messages = marked(proof, judge, task, answer, until_lost=True)
    assert earned == 0
    assert "finished code of dlcourse" in messages[0][0]
