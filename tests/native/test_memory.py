"""Memory that is freed serves again."""

import os
import platform
import subprocess
import sys

import natively
import pytest

pytestmark = natively.NEEDED

FAULTS = """
import resource
import numpy as np
from dlcourse import native
native.has_kernels(np.ones(1))
def step():
    arrays = [np.ones(2_000_000 // 8) for _ in range(40)]  # 20,000 pages
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS],
        env=clean | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries keep memory by themselves"
)
def test_a_step_takes_the_memory_of_the_step_before():
    assert faults() < 1000
    # As the user's own setting has it.
    assert faults(MALLOC_MMAP_THRESHOLD_="1000000") > 10_000
