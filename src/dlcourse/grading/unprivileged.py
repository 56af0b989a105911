"""What becomes another user and runs a program as it, where there is no bubblewrap.

``python -I -S unprivileged.py SETTINGS`` as root; `sandbox` starts it. It stays root and waits:
when the program ends, or whoever started it, it ends everything of that user and removes the
scratch folder. The program itself can open no file but those that it is given (Landlock), and has
no network where the kernel allows a new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_IPC, _NEW_NETWORK = 0x08000000, 0x40000000  # sched.h
_DEATH_SIGNAL, _SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38  # prctl.h
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls of Landlock, the same on all processors
_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _DEVICE = (1 << bit for bit in (0, 1, 2, 3, 14, 15))
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def landlock() -> int:
    """Return the version of Landlock in this kernel, 0 if there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_LIBC.syscall(_CREATE, None, 0, 1)))


def _called(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def restrict(readable: Iterable[str], listed: Iterable[str], writable: Iterable[str]) -> None:
    """Leave this process, and all that it starts, nothing but some files; and no TCP.

    Parameters
    ----------
    readable, writable : iterable of str
        Files and folders, with all that is in them.
    listed : iterable of str
        Folders of which only the names in them are to be seen.
    """
    version = landlock()
    everything = (1 << 13 + (version >= 2) + (version >= 3) + (version >= 5)) - 1
    rules = _Ruleset(everything, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _called(_LIBC.syscall(_CREATE, ctypes.byref(rules), size, 0))
    for paths, allowed in (
        (readable, _READ | _LIST | _EXECUTE),
        (listed, _LIST),
        (writable, everything),
    ):
        for path in paths:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
                fits = allowed if os.path.isdir(path) else allowed & _OF_FILES
                rule = _Beneath(fits & everything, folder)
                _called(_LIBC.syscall(_ADD, ruleset, 1, ctypes.byref(rule), 0))
                os.close(folder)
    _called(_LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _called(_LIBC.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _run(settings: dict[str, Any], user: int, scratch: str) -> None:
    """Become the program."""
    os.close(settings["inform"])
    if not os.read(settings["waits"], 1):  # until it is in its control group
        return
    for which, most in settings["limits"].items():
        resource.setrlimit(getattr(resource, which), (most, most))
    _become(user)
    _called(_LIBC.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))
    os.chdir(scratch)
    os.closerange(3, 1024)
    os.dup2(0, 3)
    os.dup2(1, 4)
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    restrict(settings["readable"], settings["listed"], [scratch, os.devnull])
    command = settings["command"]
    os.execve(command[0], command, settings["environment"] | {"HOME": scratch})


def _end(user: int) -> None:
    """End all processes of the user; as their heir we know when there are none."""
    while True:
        if os.fork() == 0:
            _become(user)
            os.kill(-1, signal.SIGKILL)  # all at once, whatever they start meanwhile
            os._exit(0)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return


def main() -> None:
    """Start the program of the settings, wait for its end or its starter's, and leave nothing."""
    settings = json.loads(sys.argv[1])
    user = settings["users"] + os.getpid()  # of those that live, no other has this number
    scratch = tempfile.mkdtemp(prefix="dlcourse-")
    status = -signal.SIGKILL
    try:
        os.chown(scratch, user, user)
        _called(_LIBC.prctl(_SUBREAPER, 1, 0, 0, 0))
        for kind in (_NEW_IPC, _NEW_NETWORK):
            _LIBC.unshare(kind)
        program = os.fork()
        if program == 0:
            try:
                _run(settings, user, scratch)
            finally:
                os._exit(127)
        for descriptor in (0, 1, settings["waits"]):
            os.close(descriptor)
        told = json.dumps({"child-pid": program, "scratch": scratch})
        os.write(settings["inform"], told.encode())
        os.close(settings["inform"])
        while not select.select([settings["lifeline"]], [], [], 0.02)[0]:
            pid, code = os.waitpid(-1, os.WNOHANG)
            if pid == program:
                status = os.waitstatus_to_exitcode(code)
                break
    except BrokenPipeError:
        pass  # who started us is gone
    finally:
        _end(user)
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
