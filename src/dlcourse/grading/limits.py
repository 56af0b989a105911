"""What a program in a sandbox may take, who bounds it, and how it is measured from outside."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Limits:
    """What everything inside may take.

    The kernel bounds each process by resource limits, and all of them together by a control group
    where it lends one. Where it does not, they are looked at ten times a second from outside: then
    memory that belongs to no process, such as what pipes hold, is not counted.

    Attributes
    ----------
    memory : int
        Bytes of memory of all processes together; also the most address space of each one.
    processes : int
        Processes and threads at a time.
    file_size : int
        Bytes of each file.
    scratch : int
        Bytes of all files in the one folder that can be written.
    open_files : int
        Of each process.
    processor : float
        Seconds of processor time, of all processes together.
    wall : float
        Seconds from start to end.
    """

    memory: int = 4 * 2**30
    processes: int = 64
    file_size: int = 64 * 2**20
    scratch: int = 64 * 2**20
    open_files: int = 256
    processor: float = 3600.0
    wall: float = 3600.0

    def resources(self) -> dict[str, int]:
        """Return the limits of each process, by their names in `resource`."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": math.ceil(self.processor) + 1,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_NPROC": self.processes,
        }

    def command(self) -> list[str]:
        """Return the command in front of another one that sets them."""
        options = (name.removeprefix("RLIMIT_").lower() for name in self.resources())
        pairs = zip(options, self.resources().values(), strict=True)
        return ["prlimit", *(f"--{option}={most}" for option, most in pairs), "--"]


class Group:
    """A control group of Linux: the kernel bounds and counts all processes in it together.

    Parameters
    ----------
    folders : dict
        The folder to make it in, for each controller that is needed: ``memory``, ``pids`` and
        ``cpu``. In version 2 of control groups they are one and the same.
    limits : Limits
        Those of them that hold for all processes together.

    Raises
    ------
    OSError
        If there may be no groups here.
    """

    def __init__(self, folders: dict[str, Path], limits: Limits) -> None:
        name = f"dlcourse-{os.getpid()}-{next(_NUMBERS)}"
        self._folders = {kind: folder / name for kind, folder in folders.items()}
        most = limits.memory + limits.scratch  # the scratch folder lies in memory
        self._ended = 0.0  # seconds of processes that are not there any more
        for folder in dict.fromkeys(folders.values()):
            _remove_old(folder)
        try:
            for folder in dict.fromkeys(self._folders.values()):
                folder.mkdir()
            folder = self._folders["memory"]
            for names in (
                {"memory.max": most, "memory.swap.max": 0},  # version 2
                {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most},
            ):
                for name, value in names.items():
                    if (folder / name).exists():
                        (folder / name).write_text(str(value))
            # And up to three that are there for the sandbox.
            (self._folders["pids"] / "pids.max").write_text(str(limits.processes + 3))
        except OSError:
            self.remove()
            raise

    def add(self, pid: int) -> None:
        """Put a process into the group, and with it all that it starts from now on."""
        for folder in dict.fromkeys(self._folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    def processes(self) -> list[int]:
        """Return the processes in the group."""
        return [int(n) for n in (self._folders["pids"] / "cgroup.procs").read_text().split()]

    def computed(self) -> float:
        """Return the processor seconds of all that ran in the group."""
        usage = self._folders["cpu"] / "cpuacct.usage"
        if usage.exists():
            counted = int(usage.read_text()) / 1e9
        else:
            counted = _fields(self._folders["cpu"] / "cpu.stat")["usage_usec"] / 1e6
        # What runs at this moment is counted there up to its last tick, but by its clock up to now.
        # What is counted beyond the clocks belongs to processes that have ended.
        running = sum(_clock(pid) for pid in self.processes())
        self._ended = max(self._ended, counted - running)
        return self._ended + running

    def lacked_memory(self) -> bool:
        """Return whether the kernel ended a process for lack of memory."""
        for name in ("memory.oom_control", "memory.events"):
            with contextlib.suppress(OSError, KeyError):
                return _fields(self._folders["memory"] / name)["oom_kill"] > 0
        return False

    def remove(self) -> None:
        """Remove the group; nothing may run in it any more."""
        for folder in dict.fromkeys(self._folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


def group(limits: Limits, first: int) -> Group | None:
    """Return a control group with a process in it, or None where the kernel lends none."""
    for folders in _places():
        with contextlib.suppress(OSError):
            made = Group(folders, limits)
            try:
                made.add(first)
            except OSError:
                made.remove()
                raise
            return made
    return None


def _places(
    root: Path = Path("/sys/fs/cgroup"), ours: Path = Path("/proc/self/cgroup")
) -> Iterator[dict[str, Path]]:
    """Yield where a group may be made, as far as the names of folders tell."""
    own: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in ours.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            own |= dict.fromkeys(controllers.split(","), path.strip("/"))
    if (root / "cgroup.controllers").exists():  # version 2
        # A group that holds processes, as ours does, can't have others below it: one beside it.
        beside = root.joinpath(own.get("", "")).parent
        with contextlib.suppress(OSError):
            if {"memory", "pids"} <= {*(beside / "cgroup.subtree_control").read_text().split()}:
                yield dict.fromkeys(("memory", "pids", "cpu"), beside)
        return
    kinds = {"memory": "memory", "pids": "pids", "cpu": "cpuacct"}
    yield {kind: root / name / own.get(name, "") for kind, name in kinds.items()}
    yield {kind: root / name for kind, name in kinds.items()}  # in a container


def _remove_old(folder: Path) -> None:
    """Remove the groups of those that were killed before they could; a full one stays."""
    for old in folder.glob("dlcourse-*-*"):
        if not Path("/proc", old.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                old.rmdir()


def _fields(path: Path) -> dict[str, int]:
    return {k: int(v) for k, v in (line.split() for line in path.read_text().splitlines())}


def inside(first: int) -> list[int]:
    """Return a process and all that descend from it.

    Orphans count where `first` inherits them, as the first process of a space of its own does.
    """
    try:
        return [first, *(p.pid for p in psutil.Process(first).children(recursive=True))]
    except psutil.Error:
        return []


def runnable(processes: Iterable[int]) -> bool:
    """Return whether one of them computes, or waits for a processor or a disk, in any thread."""
    for pid in processes:
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                if stat.read_text().rpartition(")")[2].split()[0] in "RD":
                    return True
    return False


def memory(processes: Sequence[int], enough: float = math.inf) -> int:
    """Return the bytes that processes take together.

    Parameters
    ----------
    processes : sequence of int
        Their numbers.
    enough : float
        Only a sum above this is worth the time to count shared memory once.
    """
    total = sum(_taken(pid) for pid in processes)
    if total > enough and sys.platform == "linux":
        total = sum(_taken(pid, once=True) for pid in processes)
    return total


def _taken(pid: int, once: bool = False) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.AccessDenied):
            if once:
                return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    return 0


def computed(processes: Iterable[int]) -> float:
    """Return the processor seconds of processes, their threads and ended children included.

    Of a living process it is as fine as the kernel counts, of ended ones in hundredths.
    """
    total = 0.0
    for pid in processes:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            if sys.platform == "linux":
                total += _clock(pid) + times.children_user + times.children_system
            else:
                total += times.user + times.system
    return total


def _clock(pid: int) -> float:
    """Return the processor seconds of a process of Linux, of all of its threads, up to now."""
    with contextlib.suppress(OSError):  # it has ended
        return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) numbers them
    return 0.0


def size(folder: Path) -> int:
    """Return the bytes that the files in a folder take on the disk."""
    total = 0
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(here, name)).st_blocks * 512
    return total
