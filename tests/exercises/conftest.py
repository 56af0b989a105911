"""What the files `test_psN.py` share: an assignment, what is recorded for it, and a judge."""

import functools

import pytest
from marking import Proof

proof_of = functools.cache(Proof)


def pytest_generate_tests(metafunc):
    """Run a test for each task, answer or mistake of the assignment of its file."""
    name = getattr(metafunc.module, "ASSIGNMENT", None)
    if name is None:
        return
    proof = proof_of(name)
    values = {
        "task": [(task, task) for task in proof.tasks],
        "right": [(one, f"{one[0]}-{one[1]}") for one in proof.right],
        "mistake": [(one, f"{one[0]}: {one[1]}") for one in proof.mistakes],
        "finished": [(one, one[0]) for one in proof.finished],
    }
    for argument in values.keys() & set(metafunc.fixturenames):
        found, ids = zip(*values[argument], strict=True)
        metafunc.parametrize(argument, found, ids=ids)


@pytest.fixture(scope="module")
def proof(request):
    return proof_of(request.module.ASSIGNMENT)


@pytest.fixture(scope="module")
def judge(proof):
    with proof.judge() as judge:
        yield judge
