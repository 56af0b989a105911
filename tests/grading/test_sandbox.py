import os
import shutil
import sys

import pytest

from dlcourse.grading import sandbox

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="bubblewrap is not installed; apt install bubblewrap"
)


def run(box, program, **settings):
    """Return what a program writes to 4 until it ends."""
    inlet, ours = os.pipe()
    theirs, outlet = os.pipe()
    running = box.start(
        [sys.executable, "-I", "-c", program],
        inlet=inlet,
        outlet=outlet,
        read_only={},
        limits=sandbox.Limits(**settings),
    )
    for descriptor in (inlet, ours, outlet):
        os.close(descriptor)
    with open(theirs, "rb") as file:
        told = file.read().decode()
    running.end()
    return told


@needs_bubblewrap
@pytest.mark.parametrize("without", [False, True])
def test_nothing_is_inherited_but_two_pipes(without):
    told = run(
        sandbox.choose(without),
        "import os, stat\n"
        "kinds = {}\n"
        "for n in range(50):\n"
        "    try: kinds[n] = 'pipe' if stat.S_ISFIFO(os.fstat(n).st_mode) else os.readlink(\n"
        "        f'/proc/self/fd/{n}')\n"
        "    except OSError: pass\n"
        "os.write(4, repr(kinds).encode())",
    )
    null = "/dev/null"
    assert told == repr({0: null, 1: null, 2: null, 3: "pipe", 4: "pipe"})
