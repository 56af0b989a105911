"""Jobs as processes of their own, side by side, none of which outlives what started it.

A job is a program, `python -m dlcourse.grading.job SPEC RESULT`. It is started through this module
(``python -m dlcourse.grading.runner``), which makes the system end it should we be killed.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import os
import platform
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import dlcourse
from dlcourse.expect import needed
from dlcourse.files import one_line

JOB = "dlcourse.grading.job"
#: A job has a process group, and this long to end its sandbox when it is told to end.
_GRACE = 5.0
_REMEDY = "grade again, and report this if it stays so"
#: prctl's number for "send me this signal when my parent ends".
_PR_SET_PDEATHSIG = 1

_running: set[subprocess.Popen[bytes]] = set()


class JobError(RuntimeError):
    """A job ended without a result: why, in one sentence, and on further lines what it said."""


@functools.cache
def environment() -> dict[str, str]:
    """Return what marks may depend on beside the submission and the assignment.

    That is a hash of everything in this package, and the versions of Python and NumPy. A job is run
    only where it is the same.

    Examples
    --------
    >>> sorted(environment())
    ['numpy', 'package', 'python']
    """
    root = Path(dlcourse.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return {
        "package": digest.hexdigest(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def run(spec: str, seconds: float, module: str = JOB, beside: Path | None = None) -> str:
    """Run a job as a process, on whatever machine this is called, and return its result.

    Parameters
    ----------
    spec : str
        JSON, with the `environment` that it is meant for.
    seconds : float
        After that it is ended.
    module : str
        The program.
    beside : Path, optional
        The folder for its files, those of temporary files if not given.

    Raises
    ------
    JobError
        If there is no result; everything that the job started has been ended.
    """
    wanted, here = json.loads(spec)["environment"], environment()
    if different := [name for name in here if wanted.get(name) != here[name]]:
        raise JobError(
            f"the machine {platform.node()} has another {' and another '.join(different)}; "
            "install there what is installed here"
        )
    with tempfile.TemporaryDirectory(prefix="dlcourse-job-", dir=beside) as name:
        folder = Path(name).absolute()  # until Python 3.12 it is relative if `beside` is
        paths = folder / "spec.json", folder / "result.json"
        paths[0].write_text(spec, encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(os.getpid()), module, *map(str, paths)],
                cwd=folder,
                # Jobs share the cores, not the products of one of them. Kernels are not in
                # `environment`: another machine's compiler might make others.
                env=dict(
                    os.environ,
                    DLCOURSE_KERNELS="off",
                    OMP_NUM_THREADS="1",
                    OPENBLAS_NUM_THREADS="1",
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _running.add(process)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise JobError(
                f"it took more than {seconds / 60:g} minutes and was ended; "
                "read the code, or set job_minutes in course.toml, and grade again"
            ) from None
        finally:
            _end(process)
            _running.discard(process)
        if status == 0 and paths[1].is_file():
            return paths[1].read_text(encoding="utf-8")
        said = (folder / "log").read_bytes()[-10_000:].decode(errors="replace")
        ended = f"signal {-status}" if status < 0 else f"status {status}"
        raise JobError(f"grading failed ({ended}); {_REMEDY}\n{said}")


def side_by_side(
    specs: Mapping[str, str],
    folder: Path,
    *,
    seconds: float,
    workers: int,
    scheduler: str | None = None,
) -> Generator[tuple[str, str | JobError]]:
    """Run jobs, and give the key of each with its result, or with why there is none, as they end.

    However this is left, by Ctrl-C or SIGTERM too, no job goes on running on this machine.

    Parameters
    ----------
    specs : mapping
        From keys to specs.
    folder : Path
        Where jobs on this machine have their files, of this call alone. What an earlier one that
        was killed has left there is removed.
    seconds : float
        The most that one may take.
    workers : int
        How many run at the same time on this machine.
    scheduler : str, optional
        The address of a scheduler of dask.distributed, whose workers run the jobs instead.
    """
    with _signals(), _executor(workers, scheduler) as executor, _emptied(folder):
        beside = folder if scheduler is None else None
        keys: dict[Future[str], str] = {}
        try:
            for key, spec in specs.items():
                keys[executor.submit(run, spec, seconds, JOB, beside)] = key
            for future in as_completed(keys):
                try:
                    yield keys[future], future.result()
                except JobError as reason:
                    yield keys[future], reason
                except Exception as error:  # of dask: a worker was lost, or has no dlcourse
                    told = one_line(f"{type(error).__name__}: {error}")[:300]
                    yield keys[future], JobError(f"the job was lost ({told}); {_REMEDY}")
        finally:
            for future in keys:
                future.cancel()
            # A thread may be about to start one more.
            while scheduler is None and wait(keys, timeout=0.05).not_done:
                for process in list(_running):
                    _end(process)


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """Have an empty folder that others cannot look into, and remove it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    if scheduler is None:
        with ThreadPoolExecutor(workers) as pool:
            yield pool
        return
    with needed("distributed", "--scheduler"):
        distributed: Any = import_module("distributed")
    try:
        client = distributed.Client(scheduler, timeout=20, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ValueError(
            f"--scheduler {scheduler}: expected the address of a scheduler of dask, as in "
            f"tcp://10.0.0.1:8786, found none there ({one_line(str(error))[:200]}); "
            "start one with `dask scheduler`, and workers with `dask worker ADDRESS`"
        ) from None
    with client:
        pool = client.get_executor(pure=False)
        try:
            yield pool
        finally:
            pool.shutdown(wait=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a job with everything in its process group."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, of a zombie
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, so that what is open is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _main(parent: int, module: str) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        sys.exit("the program that started this job has ended")
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _, _parent, _module, *_arguments = sys.argv
    sys.argv = [_module, *_arguments]
    _main(int(_parent), _module)
