"""The same answers marked in one process and in two: by a notebook, and by judge and worker."""

import inspect
import sys
from contextlib import closing
from importlib import import_module

from marking import Assignment

from dlcourse.grading.job import cache
from dlcourse.grading.judge import Judge
from dlcourse.grading.master import understood
from dlcourse.grading.plan import Step
from dlcourse.grading.sandbox import choose


def as_text(answer):
    """Return an answer as the cell of a notebook; functions bring along their module."""
    if isinstance(answer, str):
        return answer
    style = next(iter(answer.values())).__qualname__.split(".")[0]
    module = inspect.getmodule(next(iter(answer.values())))
    return inspect.getsource(module) + "".join(f"\n{name} = {style}.{name}" for name in answer)


def answers(name):
    """Yield task, what the answer is, and the answer: all that are recorded for an assignment."""
    one, prefix = Assignment(name), name.split("-")[0]
    wrong = import_module(f"{prefix}_wrong")
    for task in one.tasks.values():
        yield task.name, "solution", task.solution
        yield task.name, "stub", task.stub
    for task, style, answer in import_module(f"{prefix}_right").right_answers():
        yield task, f"right: {style}", answer
    for task, mistake, changes, _ in wrong.MISTAKES:
        answer = one.tasks[task].solution
        for right, instead in changes.items():
            answer = answer.replace(right, instead)
        yield task, f"mistake: {mistake}", answer
    for task, answer in wrong.FINISHED:
        yield task, "finished code", answer


def steps(one, task, answer):
    """Return the notebook in which all tasks are solved, and one of them by this answer."""
    solved = [Step("theirs", t.name, t.solution) for t in one.tasks.values()]
    tests = [Step("test", name, source, points) for name, points, source in one.tasks[task].tests]
    return [Step("setup", "setup", one.setup), *solved, Step("theirs", task, answer), *tests]


def compare(name, chosen=lambda task, what: True):
    """Return how many answers were marked in both ways, and those that got different marks."""
    one = Assignment(name)
    judge = Judge(sorted(understood(one.cells).owners), choose(), cache())
    count, different = 0, []
    with closing(judge):
        for task, what, answer in answers(name):
            if not chosen(task, what):
                continue
            text = as_text(answer)
            try:
                here, said = one.mark(task, answer)
            except Exception as error:  # the cell itself fails
                here, said = 0, [f"{type(error).__name__}: {error}"]
            marks = judge.mark(steps(one, task, text))
            there = sum(test.points for test in marks.tests)
            count += 1
            if here != there:
                told = [f"{test.name}: {test.message}" for test in marks.tests if test.message]
                different.append((task, what, here, there, said, told))
    return count, different


if __name__ == "__main__":
    total = 0
    for assignment in sys.argv[1:]:
        number, others = compare(assignment)
        total += number
        print(f"{assignment}: {number} answers, {len(others)} with other marks", flush=True)
        for one in others:
            print("  ", *one, sep="\n      ")
    print(f"{total} answers marked in one process and in two")
