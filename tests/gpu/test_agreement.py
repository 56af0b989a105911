"""Every module, loss and optimizer on a GPU against NumPy. Skipped where there is none."""

import pytest

from dlcourse import cuda
from dlcourse.backend import cuda_status, empty_memory_pool, memory_pool
from dlcourse.doctor import Settings, agreement, gpu_report

STATUS = cuda_status()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(" on " not in STATUS, reason=STATUS),
]


@pytest.mark.parametrize("kernels", [True, False])
def test_everything_agrees(kernels):
    if kernels:
        found = list(agreement.agreements())
    else:
        with cuda.plain():
            found = list(agreement.agreements())
    wrong = [a for a in found if not a.ok]
    assert not wrong


def test_the_report():
    settings = Settings(images=10_000, epochs=1, accuracy=0.8, repeats=2)
    report = gpu_report(settings, say=lambda line: None)
    assert report["ok"]
    assert report["limits"]["to_gpu_pinned"] > 0


def test_an_empty_pool_holds_nothing_that_is_not_used():
    empty_memory_pool()
    pool = memory_pool()
    assert 0 <= pool.used <= pool.held <= pool.total
