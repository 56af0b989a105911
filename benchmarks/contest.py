"""One case against PyTorch: time in turn in this process, peak memory in a fresh one each."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cases import CASES, batch
from turns import in_turn, ratio, spread

OURS = "dlcourse"
BY_HAND = "dlcourse, by hand"
THEIRS = {"PyTorch": False, "PyTorch, channels-last": True}


def sides(name: str) -> tuple[str, ...]:
    """Return who takes part in a case: a training step can also be written out by hand."""
    return (OURS, *([BY_HAND] if CASES[name].training else []), *THEIRS)


def contest(name: str, size: int, threads: int, budget: float) -> dict[str, object]:
    """Return seconds, ratios and megabytes of every side, for a batch of `size`."""
    memory = {side: peak_of(side, name, size, threads) for side in sides(name)}
    runs = {side: runner(side, name, size, threads) for side in sides(name)}
    seconds = in_turn(runs, budget)
    return {
        "rounds": len(seconds[OURS]),
        "seconds": {side: spread(values) for side, values in seconds.items()},
        "times": {
            side: ratio(seconds[OURS], seconds[side]) for side in sides(name) if side != OURS
        },
        "megabytes": memory,
    }


def runner(side: str, name: str, size: int, threads: int) -> Callable[[], object]:
    """Return what runs the case on one side; only the library of that side is imported."""
    case = CASES[name]
    images, labels = batch(case, size)
    if side in (OURS, BY_HAND):
        import ours

        return ours.runner(case, images, labels, threads, side == BY_HAND)
    import theirs

    return theirs.runner(case, images, labels, threads, THEIRS[side])


def peak_of(side: str, name: str, size: int, threads: int) -> dict[str, float]:
    """Return the peak of resident memory of a fresh process that runs the case three times."""
    command = [sys.executable, __file__, side, name, str(size), str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _peak() -> float:
    """The largest resident memory that this process has had, in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux ru_maxrss begins with the peak of the process that started this
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


def _print_peak(side: str, name: str, size: int, threads: int) -> None:
    if side in (OURS, BY_HAND):
        import ours  # noqa: F401
    else:
        import theirs  # noqa: F401
    libraries = _peak()
    run = runner(side, name, size, threads)
    for _ in range(3):
        run()
    print(json.dumps({"all": _peak(), "above the libraries": _peak() - libraries}))


if __name__ == "__main__":
    side, name, size, threads = sys.argv[1:]
    _print_peak(side, name, int(size), int(threads))
