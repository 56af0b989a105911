"""How the learner's code is run apart from everything else, and how it is ended."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import site
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Packages that would do the tasks for the learner; inside, they are empty folders.
HIDDEN = (
    "autograd",
    "cupy",
    "cv2",
    "dlcourse",
    "flax",
    "jax",
    "jaxlib",
    "keras",
    "onnxruntime",
    "scipy",
    "skimage",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
)
#: All of the environment inside. BLAS has one thread, so that marks do not depend on the machine.
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "USER": "learner",
}
#: The shell gives the two descriptors their numbers; nothing else stays open.
_DESCRIPTORS = 'exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null'
#: Identity inside: "nobody".
_NOBODY = 65534
#: Numbers of users from here on belong to nobody on any system (systemd's list of ranges).
_UNUSED_USERS = 0x70000000


class SandboxError(RuntimeError):
    """No sandbox works here: the reason, and what to do."""


@dataclass(frozen=True)
class Limits:
    """What everything inside may take, all processes together but for `file_size`, `open_files`.

    Attributes
    ----------
    memory : int
        Bytes; also the most address space of each process.
    processes : int
        Processes and threads at a time.
    file_size : int
        Bytes of each file.
    scratch : int
        Bytes of the one folder that can be written.
    open_files : int
        Of each process.
    processor : float
        Seconds of processor time in all.
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

    def imposed(self) -> list[str]:
        """Return the command in front of another one that sets what the kernel watches itself."""
        return [
            "prlimit",
            f"--as={self.memory}",
            f"--nproc={self.processes}",
            f"--fsize={self.file_size}",
            f"--nofile={self.open_files}",
            f"--cpu={math.ceil(self.processor) + 1}",
            "--core=0",
        ]


class Running:
    """A program that was started in a sandbox.

    Attributes
    ----------
    pid : int
        The process through which it is ended.
    """

    def __init__(self, process: subprocess.Popen[bytes], first: int, limits: Limits) -> None:
        self.pid = process.pid
        self._process = process
        self._first = first
        self._handle = os.pidfd_open(first)
        self._limits = limits
        self._reason = ""
        self._most = 0.0
        self._ended = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._watch = threading.Thread(target=self._watching, daemon=True)
        self._watch.start()

    def _inside(self) -> list[int]:
        """All processes inside."""
        parents: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    text = Path("/proc", name, "stat").read_text()
                    parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(
                        int(name)
                    )
        inside = [self._first]
        for pid in inside:
            inside += parents.get(pid, [])
        return inside

    def computed(self) -> float:
        """Return the processor seconds of everything inside, ended children included."""
        total = 0.0
        tick = os.sysconf("SC_CLK_TCK")
        for pid in self._inside():
            with contextlib.suppress(OSError):
                total += time.clock_gettime((~pid << 3) | 2)
                fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
                total += (int(fields[13]) + int(fields[14])) / tick
        self._most = max(self._most, total)
        return self._most

    def _watching(self) -> None:
        limits, page = self._limits, os.sysconf("SC_PAGESIZE")
        end = time.monotonic() + limits.wall
        while not self._ended.wait(0.05):
            memory = 0
            for pid in self._inside():
                with contextlib.suppress(OSError):
                    memory += page * int(Path("/proc", str(pid), "statm").read_text().split()[1])
            if memory > limits.memory:
                self._stop(f"it was ended: it took more than {limits.memory / 2**20:.0f} MiB")
            elif self.computed() > limits.processor:
                self._stop(f"it was ended: it computed for more than {limits.processor:g} seconds")
            elif time.monotonic() > end:
                self._stop(f"it was ended: it ran for more than {limits.wall:g} seconds")

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def end(self) -> None:
        """End everything inside and wait for it; a second time does nothing."""
        with self._one_at_a_time:
            if self._ended.is_set():
                return
            if self._process.poll() is None:
                self._stop("we ended it")
            self._process.wait()
            self._ended.set()
            self._watch.join()
            os.close(self._handle)

    def how_it_ended(self) -> str:
        """Return a sentence: who ended it and why."""
        code = self._process.poll()
        if code is None:
            return "it is still running"
        if self._reason:
            return self._reason
        return "the program ended itself" if code >= 0 else "it was ended by a signal"


class Sandbox:
    """A way to run a program.

    Attributes
    ----------
    name : str
        "bubblewrap", "another user" or "none".
    """

    name = "none"

    def start(
        self,
        command: Sequence[str],
        *,
        inlet: int,
        outlet: int,
        read_only: Mapping[Path, Path],
        limits: Limits,
    ) -> Running:
        """Start a program.

        Parameters
        ----------
        command : sequence of str
            The program and its arguments.
        inlet, outlet : int
            Descriptors that become 3 and 4 inside; nothing else is inherited. The caller closes
            its own.
        read_only : mapping
            Files and folders: where they are, and where they are to be seen inside.
        limits : Limits
            What everything inside may take.

        Returns
        -------
        Running
            What can be measured and ended. It ends with the thread that started it.

        Raises
        ------
        SandboxError
            If it cannot be started.
        """
        process = subprocess.Popen(
            ["/bin/sh", "-c", _DESCRIPTORS, "sh", *command],
            stdin=inlet,
            stdout=outlet,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return Running(process, process.pid, limits)


class Bubblewrap(Sandbox):
    """Linux namespaces, by bubblewrap: an empty root with what is needed mounted read-only."""

    name = "bubblewrap"

    def start(
        self,
        command: Sequence[str],
        *,
        inlet: int,
        outlet: int,
        read_only: Mapping[Path, Path],
        limits: Limits,
    ) -> Running:
        informed, inform = os.pipe()
        waits, go = os.pipe()
        try:
            process = subprocess.Popen(
                [
                    *_reachable(inside := {**_python(), **read_only}),
                    "bwrap",
                    *["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"],
                    *["--new-session", "--clearenv", "--uid", "65534", "--gid", "65534"],
                    *(x for pair in ENVIRONMENT.items() for x in ("--setenv", *pair)),
                    *_system(),
                    *_mounts(inside),
                    *_hidden(),
                    *("--size", str(limits.scratch), "--perms", "0777", "--tmpfs", "/tmp"),
                    *["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"],
                    *("--info-fd", str(inform), "--block-fd", str(waits)),
                    *("--", *limits.imposed(), "sh", "-c", _DESCRIPTORS, "sh", *command),
                ],
                stdin=inlet,
                stdout=outlet,
                stderr=subprocess.PIPE,
                pass_fds=(inform, waits),
                start_new_session=True,
            )
            os.close(inform)
            inform = -1
            with open(informed, closefd=False) as file:
                told = file.read()
            if not told:
                _, error = process.communicate()
                raise SandboxError(error.decode(errors="replace").strip())
            first = json.loads(told)["child-pid"]
            os.write(go, b"\n")
            assert process.stderr is not None
            process.stderr.close()
            return Running(process, first, limits)
        finally:
            for descriptor in (informed, inform, waits, go):
                if descriptor >= 0:
                    os.close(descriptor)


def _python() -> dict[Path, Path]:
    """Return the folders of this Python, each to be seen where it is."""
    executable = Path(sys.executable)
    homes = {Path(sys.prefix), Path(sys.base_prefix)}
    while True:  # python -> python3 -> /opt/python-3.12/bin/python3: each may be somewhere else
        homes.add(executable.parent.parent)
        if not executable.is_symlink():
            break
        executable = executable.parent / executable.readlink()
    parts = (home / part for home in homes for part in ("bin", "lib", "lib64", "pyvenv.cfg"))
    return {part: part for part in parts if part.exists() and not part.is_relative_to("/usr")}


def _system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for path in (Path("/etc/alternatives"), Path("/etc/ld.so.cache")):
        arguments += ["--ro-bind-try", str(path), str(path)]
    return arguments


def _hidden() -> list[str]:
    arguments = []
    for folder in site.getsitepackages():
        for name in HIDDEN:
            path = Path(folder, name)
            if path.is_dir():
                arguments += ["--tmpfs", str(path), "--remount-ro", str(path)]
    return arguments


def _mounts(read_only: Mapping[Path, Path]) -> list[str]:
    arguments = []
    for number, (outside, inside) in enumerate(read_only.items()):
        source = f"/mnt/{number}" if os.geteuid() == 0 else str(outside)
        arguments += ["--ro-bind", source, str(inside)]
    return arguments


def _reachable(read_only: Mapping[Path, Path]) -> list[str]:
    """For root: become a user that owns nothing, for whom what is mounted is put below /mnt."""
    if os.geteuid() != 0:
        return []
    user = str(_UNUSED_USERS + threading.get_native_id())
    return [
        *["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/mnt"],
        *(
            x
            for number, outside in enumerate(read_only)
            for x in ("--ro-bind", str(outside), f"/mnt/{number}")
        ),
        *[
            "--die-with-parent",
            "--cap-add",
            "CAP_SETUID",
            "--cap-add",
            "CAP_SETGID",
            "--cap-add",
            "CAP_SETPCAP",
        ],
        *f"-- setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs".split(),
        *["--bounding-set=-all", "--inh-caps=-all"],
    ]


def choose(without: bool = False) -> Sandbox:
    """Return the best sandbox that works here.

    Parameters
    ----------
    without : bool
        Run without any.

    Returns
    -------
    Sandbox
        Bubblewrap if it works, else another user.

    Raises
    ------
    SandboxError
        If none works; there is no silent way without.
    """
    if without:
        return Sandbox()
    if shutil.which("bwrap") is None:
        raise SandboxError("bubblewrap is not installed; apt install bubblewrap")
    return Bubblewrap()
