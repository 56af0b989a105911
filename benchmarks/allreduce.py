"""Time the all-reduce algorithms of the course against MPI's own, over real processes.

    python benchmarks/allreduce.py

Each round times the contestants one after the other, on all ranks at once; the ratio of a round is
free of what the machine does over minutes, and the median over rounds is what is printed. With more
ranks than cores the processes take turns, and the times tell of that more than of messages.

Ends with an error when the ratio of the ring to MPI's own is over --limit.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from typing import Any

import numpy as np

from dlcourse.distributed import Communicator
from dlcourse.distributed.launch import launch, mpiexec
from dlcourse.lessons.all_reduce import ALL_REDUCE

ROUNDS, REPEATS = 21, 5


def work(communicator: Communicator) -> dict[str, list[float]]:
    """Return the seconds of each contestant in each round: what every rank does."""
    from mpi4py import MPI

    contestants: dict[str, Any] = {
        "MPI's own": lambda x: MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, x, MPI.SUM),
        "our communicator's": communicator.allreduce,
    }
    for name, algorithm in ALL_REDUCE.items():
        contestants[name] = lambda x, algorithm=algorithm: algorithm(communicator, x)
    x = np.zeros(int(os.environ["DLCOURSE_BENCHMARK_LENGTH"]), np.float32)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):  # the first warms up
        for name, contestant in contestants.items():
            MPI.COMM_WORLD.Barrier()
            start = time.perf_counter()
            for _ in range(REPEATS):
                contestant(x)
            MPI.COMM_WORLD.Barrier()
            times[name].append((time.perf_counter() - start) / REPEATS)
    return {name: values[1:] for name, values in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--length", type=int, default=10**6, help="how many float32 to add up")
    parser.add_argument("--limit", type=float, default=3.0, help="largest ratio of the ring")
    options = parser.parse_args()
    if mpiexec() is None:
        print("MPI is not installed; `pip install mpi4py mpich` installs it")
        return 1
    os.environ["DLCOURSE_BENCHMARK_LENGTH"] = str(options.length)
    times = launch(options.ranks, __file__).results[0]
    print(
        f"{options.ranks} ranks, {options.length:,} float32, {os.cpu_count()} cores, "
        f"{platform.machine()}, numpy {np.__version__}"
    )
    ratios = {}
    for name, seconds in times.items():
        rounds = zip(seconds, times["MPI's own"], strict=True)
        ratios[name] = statistics.median(ours / theirs for ours, theirs in rounds)
        print(f"{name:20s} {1e3 * statistics.median(seconds):8.3f} ms {ratios[name]:6.2f}")
    if ratios["ring"] > options.limit:
        print(f"the ring takes {ratios['ring']:.2f} times as long, more than {options.limit}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
