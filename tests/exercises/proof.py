"""Mark all recorded answers in one process and in two, each to its last test; print how many.

    PYTHONPATH=tests/exercises python tests/exercises/proof.py [ps1-deeper ...]

The tests do the same, but for the tests that come after the first that a mistake loses.
"""

import sys

from marking import COURSE, Proof


def answers(proof):
    """Yield task, what the answer is, and the answer."""
    for task in proof.tasks.values():
        yield task.name, "solution", task.solution
        yield task.name, "stub", task.stub
    for task, style, answer in proof.right:
        yield task, f"right: {style}", answer
    for task, mistake, changes, _ in proof.mistakes:
        yield task, f"mistake: {mistake}", proof.mistaken(task, changes)
    for task, answer in proof.finished:
        yield task, "finished code", answer


def main(names):
    """Print a line for each assignment, one for each answer with other marks, and the count."""
    total = 0
    for name in names or sorted(path.stem for path in (COURSE / "text").glob("*.py")):
        proof, count, others = Proof(name), 0, []
        with proof.judge() as judge:
            for task, what, answer in answers(proof):
                here, _ = proof.assignment.mark(task, answer)
                tests = judge.mark(proof.notebook(task, answer)).tests
                there = sum(test.points for test in tests)
                count += 1
                if here != there:
                    said = [test.message for test in tests if test.message]
                    others.append(f"  {task}, {what}: {here} in one, {there} in two: {said}")
        total += count
        print(f"{name}: {count} answers, {len(others)} with other marks", *others, sep="\n")
    print(f"{total} answers marked in one process and in two")


if __name__ == "__main__":
    main(sys.argv[1:])
