"""How a learner's code is run apart from everything else, and how it is ended.

Bubblewrap gives it an empty root in which Python lies read-only, and a space of its own for
processes, network, users and messages. Where that does not work, root can become another user, to
whom Landlock leaves the same few files. Where neither works, `choose` says why.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from dlcourse.grading.calls import filter_descriptor
from dlcourse.grading.inside import (
    DESCRIPTORS,
    ENVIRONMENT,
    around,
    as_outside,
    hidden,
    python,
    system,
)
from dlcourse.grading.limits import Limits, inside
from dlcourse.grading.running import Running, SandboxError, launched

#: "nobody", who the learner's code is inside.
_NOBODY = 65534
#: The first of the users' numbers that no system gives to anybody (systemd's table of ranges).
_UNUSED = 0x70000000
_ELSEWHERE = (
    "grade in WSL 2, in a virtual machine or in a container with Linux and bubblewrap "
    "(apt install bubblewrap)"
)


class Sandbox:
    """A way to run a program; this one keeps it from nothing, and ends it as well as it can.

    Attributes
    ----------
    name : str
        "bubblewrap", "another user" or "none".
    leaves_open : str
        What it does not keep a program from.
    """

    name = "none"
    leaves_open = "everything that you may do yourself"

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

        In a sandbox it ends with the thread that starts it, from its first answer on.

        Parameters
        ----------
        command : sequence of str
            The program and its arguments.
        inlet, outlet : int
            Descriptors that become 3 and 4 inside; nothing else is inherited. The caller closes
            its own.
        read_only : mapping
            Files and folders: where they are, and where they are to be seen inside. Where nothing
            can be mounted, the arguments of the command are changed instead.
        limits : Limits
            What everything inside may take.

        Returns
        -------
        Running
            What is measured and ended.

        Raises
        ------
        SandboxError
            If it cannot be started.
        """
        scratch = Path(tempfile.mkdtemp(prefix="dlcourse-"))
        process = subprocess.Popen(
            [*DESCRIPTORS, *as_outside(command, read_only)],
            stdin=inlet,
            stdout=outlet,
            stderr=subprocess.DEVNULL,
            cwd=scratch,
            env=ENVIRONMENT | {"HOME": str(scratch)},
            start_new_session=True,
        )

        def kill() -> None:
            for pid in inside(process.pid) if process.poll() is None else ():
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()

        return Running(process, process.pid, limits, None, kill, scratch)


class Bubblewrap(Sandbox):
    """Spaces of Linux that hold nothing but Python, made by bubblewrap."""

    name = "bubblewrap"
    leaves_open = ""

    def start(
        self,
        command: Sequence[str],
        *,
        inlet: int,
        outlet: int,
        read_only: Mapping[Path, Path],
        limits: Limits,
    ) -> Running:
        mounts = [*python(), *read_only]
        sources = {path: str(path) for path in mounts}
        bwrap = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--unshare-pid"]
        become: list[str] = []
        if os.geteuid() == 0:
            # First become a user that owns nothing. Such a user may not get at what lies in the
            # home of root, so that is put where it can. The space of processes is there so that
            # the first in it is still root, and ends with us: a change of user forgets to.
            sources = {path: f"/mnt/{number}" for number, path in enumerate(mounts)}
            user = str(_user())
            become = [
                *("--dev-bind", "/", "/", "--tmpfs", "/mnt"),
                *_each("--ro-bind", ((str(path), sources[path]) for path in mounts)),
                *_each("--cap-add", (("CAP_SETUID",), ("CAP_SETGID",), ("CAP_SETPCAP",))),
                *("--", "setpriv", "--reuid", user, "--regid", user, "--clear-groups"),
                *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", *bwrap),
            ]
        refused = filter_descriptor()
        links = ((str(path.readlink()), str(path)) for path in system() if path.is_symlink())
        sandboxed = [
            *("--unshare-all", "--unshare-user", "--disable-userns"),
            *("--uid", str(_NOBODY), "--gid", str(_NOBODY), "--new-session", "--clearenv"),
            *_each("--setenv", ENVIRONMENT.items()),
            *_each("--symlink", links),
            *_each("--ro-bind", (2 * (str(path),) for path in system() if not path.is_symlink())),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--size", str(limits.scratch), "--tmpfs", "/tmp"),
            *_each("--ro-bind", ((sources[path], str(path)) for path in python())),
            *_each("--tmpfs", ((str(path),) for path in hidden())),
            *_each("--remount-ro", ((str(path),) for path in hidden())),
            *_each("--ro-bind", ((sources[path], str(to)) for path, to in read_only.items())),
            *_each("--remount-ro", (("/dev",), ("/",))),
            *("--chdir", "/tmp", *(("--seccomp", str(refused)) if refused is not None else ())),
            *("--", *limits.command(), *DESCRIPTORS, *command),
        ]

        def waiting(inform: int, waits: int) -> list[str]:
            ends = ["--info-fd", str(inform), "--block-fd", str(waits)]
            return [*bwrap, *ends, *become, *sandboxed]

        descriptors = () if refused is None else (refused,)
        try:
            process, told, bounds = launched(waiting, inlet, outlet, limits, *descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        first = told["child-pid"]

        def kill() -> None:
            # The first process of a space: the kernel ends all others with it.
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(first, signal.SIGKILL)

        return Running(process, first, limits, bounds, kill)


class AnotherUser(Sandbox):
    """A user that owns nothing; root alone can become one. See `unprivileged`."""

    name = "another user"
    leaves_open = (
        "whether a file of a given name or a process of a given number exists, sockets of other "
        "programs that are open to everybody, and in a container without CAP_SYS_ADMIN the network "
        "(from Linux 6.7 on, without TCP)"
    )

    def start(
        self,
        command: Sequence[str],
        *,
        inlet: int,
        outlet: int,
        read_only: Mapping[Path, Path],
        limits: Limits,
    ) -> Running:
        from dlcourse.grading import unprivileged  # it can be imported on Linux alone

        readable, listed = [*read_only], []
        for path in (*system(), *python()):
            if not path.is_symlink():  # what a link leads to is there itself
                whole, cut = around(path, hidden())
                readable += whole
                listed += cut
        settings = {
            "command": as_outside(command, read_only),
            "environment": ENVIRONMENT,
            "limits": limits.resources(),
            "listed": [str(path) for path in listed],
            "readable": [str(path) for path in readable],
            "users": _UNUSED,
        }
        lifeline, life = os.pipe()

        def waiting(inform: int, waits: int) -> list[str]:
            ends = {"inform": inform, "waits": waits, "lifeline": lifeline}
            words = json.dumps(settings | ends)
            return [sys.executable, "-I", "-S", unprivileged.__file__, words]

        try:
            process, told, bounds = launched(waiting, inlet, outlet, limits, lifeline)
        except BaseException:
            os.close(life)
            raise
        finally:
            os.close(lifeline)
        # It ends everything when the other end of its lifeline is closed, by us or with us.
        scratch = Path(told["scratch"])
        return Running(process, process.pid, limits, bounds, lambda: os.close(life), scratch)


def choose(without: bool = False) -> Sandbox:
    """Return the best sandbox that works here; each is tried, by running Python in it.

    Parameters
    ----------
    without : bool
        Run without any.

    Returns
    -------
    Sandbox
        Bubblewrap, or another user where that does not work.

    Raises
    ------
    SandboxError
        If none works: why, and what to do. None is ever left out silently.
    """
    if sys.platform == "win32":
        raise SandboxError(f"grading does not run on Windows itself: {_ELSEWHERE}")
    if without:
        return Sandbox()
    if sys.platform != "linux":
        name = {"darwin": "macOS"}.get(sys.platform, sys.platform)
        raise SandboxError(f"there is no sandbox for {name}: {_ELSEWHERE}")
    reasons = []
    for sandbox, missing in ((Bubblewrap(), _no_bubblewrap), (AnotherUser(), _no_other_user)):
        reason = missing() or _failure(sandbox)
        if not reason:
            return sandbox
        reasons.append(reason)
    raise SandboxError(
        f"there is no sandbox to run learners' code in: {'; '.join(reasons)}. "
        "--no-sandbox would run it with all of your rights"
    )


def _no_bubblewrap() -> str:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (apt install bubblewrap)"
    return ""


def _no_other_user() -> str:
    from dlcourse.grading import unprivileged

    if os.geteuid() != 0:
        return "only root can run it as another user"
    if not unprivileged.landlock():
        return "another user could read files, since this kernel has no Landlock"
    closed = [p for path in python() for p in path.resolve().parents if not p.stat().st_mode & 1]
    if closed:
        return f"another user can't get at this Python, since {closed[0]} is closed to others"
    if _user() == _NOBODY:
        return "this container has no users left to run it as"
    return ""


def _failure(sandbox: Sandbox) -> str:
    """Return why a sandbox does not work, from running Python in it; empty if it does."""
    inlet, ours = os.pipe()
    theirs, outlet = os.pipe()
    program = [sys.executable, "-I", "-c", "import os; os.write(4, os.read(3, 1))"]
    try:
        running = sandbox.start(
            program, inlet=inlet, outlet=outlet, read_only={}, limits=Limits(wall=60)
        )
        os.write(ours, b"!")
        os.close(outlet)
        outlet = -1
        works = os.read(theirs, 1) == b"!"
        running.end()
        return "" if works else f"Python does not start in {sandbox.name}"
    except SandboxError as error:
        return str(error)
    finally:
        for descriptor in (inlet, ours, theirs, outlet):
            if descriptor >= 0:
                os.close(descriptor)


def _each(option: str, values: Iterable[tuple[str, ...]]) -> list[str]:
    return [word for value in values for word in (option, *value)]


def _user() -> int:
    """Return the number of a user that nothing belongs to."""
    wanted = _UNUSED + threading.get_native_id()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= wanted < first + count:
            return wanted
    return _NOBODY
