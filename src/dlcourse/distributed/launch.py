"""Running a program on several ranks from a page or a script: on MPI processes or on threads.

The program is a Python file with a function ``work(communicator)``. Where MPI is at hand it is
started by ``mpiexec``; this module is also what each of its processes runs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.distributed.communicator import Communicator
from dlcourse.distributed.messages import CommunicationError
from dlcourse.distributed.mpi import MPI
from dlcourse.distributed.threads import Threads
from dlcourse.files import atomic_write


@dataclass(frozen=True)
class Launch:
    """What ranks returned, and what they were.

    Attributes
    ----------
    kind : str
        ``"MPI processes"`` or ``"threads"``.
    results : list
        What ``work`` returned on each rank, in order, as JSON has it.
    """

    kind: str
    results: list[Any]


def mpiexec() -> str | None:
    """Return the command that starts MPI's processes, or None where MPI is missing.

    The one beside this Python comes first, since it belongs to the library that pip installed.
    """
    if importlib.util.find_spec("mpi4py") is None:
        return None
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def launch(
    size: int, program: str | os.PathLike[str], *, threads: bool = False, timeout: float = 1800.0
) -> Launch:
    """Run the function ``work(communicator)`` of a file on several ranks.

    Parameters
    ----------
    size : int
        How many ranks.
    program : path-like
        A Python file. It is imported on every rank; what ``work`` returns must be fit for JSON.
    threads : bool
        Whether to use threads even where MPI is at hand.
    timeout : float
        Seconds after which MPI's processes are stopped.

    Raises
    ------
    CommunicationError
        If a rank fails, is killed, or takes too long. The message ends with what the ranks wrote to
        standard error.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     program = Path(folder) / "ranks.py"
    ...     text = "def work(communicator): return communicator.rank * 10"
    ...     _ = program.write_text(text)
    ...     launch(3, program, threads=True)
    Launch(kind='threads', results=[0, 10, 20])
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, found {size}")
    command = None if threads else mpiexec()
    if command is None:
        results = Threads.run(size, _work_of(program), timeout=timeout)
        return Launch("threads", json.loads(json.dumps(results)))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        line = [command, "-n", str(size), sys.executable, "-m", __name__, os.fspath(program)]
        try:
            done = subprocess.run(
                [*line, str(out)], capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CommunicationError(f"{size} ranks were not done after {timeout:g} s") from error
        if done.returncode or not out.exists():
            said = (done.stderr or done.stdout).strip()[-2000:]
            raise CommunicationError(
                f"{size} ranks ended with exit status {done.returncode}: {said}"
            )
        print(done.stdout, end="")
        return Launch("MPI processes", json.loads(out.read_text()))


def _work_of(program: str | os.PathLike[str]) -> Callable[[Communicator], Any]:
    spec = importlib.util.spec_from_file_location(Path(program).stem, program)
    if spec is None or spec.loader is None or not Path(program).exists():
        raise ValueError(f"expected a Python file, found {os.fspath(program)}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    work: Callable[[Communicator], Any] | None = getattr(module, "work", None)
    if work is None:
        raise ValueError(f"{os.fspath(program)} must define work(communicator), and does not")
    return work


def _main(program: str, out: str) -> None:
    """What every process of `launch` does: the work, then its result to rank 0."""
    communicator = MPI()
    text = json.dumps(_work_of(program)(communicator)) + "\n"
    together = communicator.allgather(np.frombuffer(text.encode(), np.uint8).copy())
    if communicator.rank == 0:
        lines = bytes(together).decode().splitlines()
        with atomic_write(out) as file:
            file.write(json.dumps([json.loads(line) for line in lines]).encode())


if __name__ == "__main__":
    _main(*sys.argv[1:])
