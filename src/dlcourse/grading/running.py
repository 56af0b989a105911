"""A program that runs in a sandbox: started, measured and ended from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlcourse.grading.inside import ENVIRONMENT
from dlcourse.grading.limits import (
    Group,
    Limits,
    computed,
    ending,
    group,
    inside,
    memory,
    runnable,
    size,
)

#: Seconds from one look at what runs inside to the next.
_MOMENT = 0.1


class SandboxError(RuntimeError):
    """No sandbox works here: the reason, and what to do."""


class Running:
    """A program that was started in a sandbox.

    Parameters
    ----------
    process : subprocess.Popen
        What we started; it ends when all is ended.
    first : int
        The process from which all others inside descend.
    limits : Limits
        What everything inside may take.
    bounds : Group, optional
        The control group that everything inside is in.
    kill : function
        Ends everything inside, without waiting for it; called once.
    scratch : Path, optional
        The folder outside that can be written, removed at the end.

    Attributes
    ----------
    pid : int
        The number of the process that we started.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        first: int,
        limits: Limits,
        bounds: Group | None,
        kill: Callable[[], None],
        scratch: Path | None = None,
    ) -> None:
        self.pid = process.pid
        self._process, self._first, self._kill = process, first, kill
        self._limits, self._group, self._scratch = limits, bounds, scratch
        self._reason = ""
        self._lacked_memory = False
        self._seen: list[int] = []
        self._look_again = 0.0
        self._computed = 0.0
        self._stopped = False
        self._stopping = threading.Lock()
        self._over = threading.Event()
        self._ending = threading.Lock()
        self._watch = threading.Thread(target=self._watching, daemon=True)
        self._watch.start()

    def computed(self) -> float:
        """Return the processor seconds of everything inside, threads and children included.

        Of what lives they are as fine as the kernel counts. Of what has ended, they are so in a
        control group, and else hundredths of a second of children that somebody waited for.
        """
        with contextlib.suppress(OSError):  # its group is gone
            seconds = self._group.computed() if self._group else computed(self._inside())
            self._computed = max(self._computed, seconds)
        return self._computed

    def _inside(self) -> list[int]:
        """Return the processes inside, as they were a moment ago: to look for them takes time."""
        if time.monotonic() > self._look_again:
            self._look_again = time.monotonic() + _MOMENT
            self._seen = inside(self._first)
        return self._seen

    def runs(self) -> bool:
        """Return whether something inside computes, or would if it were its turn."""
        return runnable(inside(self._first))

    def end(self) -> None:
        """End everything inside and wait until it has ended; a second time does nothing."""
        with self._ending:
            if self._over.is_set():
                return
            self.computed()
            self._stop("we ended it")
            self._process.wait()
            self._over.set()
            self._watch.join()
            self._look_for_lack_of_memory()
            self.computed()
            if self._group is not None:
                self._group.remove()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def how_it_ended(self) -> str:
        """Return what ended the program, as a sentence."""
        try:
            code = self._process.wait(1)  # it may have closed its outlet a moment ago
        except subprocess.TimeoutExpired:
            return "it is running"
        self._look_for_lack_of_memory()
        number = -code if code < 0 else code - 128
        if self._lacked_memory:
            return self._lack_of_memory()
        if number == signal.SIGKILL:
            return self._reason or "it was killed"
        if number == signal.SIGXCPU:
            return self._lack_of_time()
        return ending(code)

    def _look_for_lack_of_memory(self) -> None:
        """See whether the kernel ended a process for it, be it one that the program started."""
        if self._group is not None and self._group.lacked_memory():
            self._lacked_memory = True

    def _lack_of_time(self) -> str:
        most = self._limits.processor
        return f"it was ended: it computed for {most:g} seconds, the most that it may"

    def _lack_of_memory(self) -> str:
        return f"it was ended for lack of memory: it may take {self._limits.memory >> 20} MiB"

    def _watching(self) -> None:
        """Look after the limits that nobody else does."""
        limits = self._limits
        end = time.monotonic() + limits.wall
        while not self._over.wait(_MOMENT) and self._process.poll() is None:
            if self.computed() > limits.processor:
                self._stop(self._lack_of_time())
            elif time.monotonic() > end:
                self._stop(
                    f"it was ended: it ran for {limits.wall:g} seconds, the most that it may"
                )
            elif not self._group and memory(self._inside(), limits.memory) > limits.memory:
                self._lacked_memory = True
                self._stop(self._lack_of_memory())
            elif self._scratch and size(self._scratch) > limits.scratch:
                self._stop(f"it was ended: its files took more than {limits.scratch >> 20} MiB")

    def _stop(self, reason: str) -> None:
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            if self._process.poll() is None:
                self._reason = reason
            self._kill()


def launched(
    command: Callable[[int, int], list[str]],
    inlet: int,
    outlet: int,
    limits: Limits,
    *inherited: int,
) -> tuple[subprocess.Popen[bytes], dict[str, Any], Group | None]:
    """Start what makes a sandbox, put the first process inside into a control group, let it go.

    Parameters
    ----------
    command : function
        Of two descriptors: it tells the first process inside on one, as ``child-pid`` in JSON,
        and waits for a byte on the other.
    inlet, outlet : int
        Its input and output.
    limits : Limits
        Of the control group.
    inherited : int
        Other descriptors that it needs.

    Returns
    -------
    tuple
        The process, what it told, and the control group if there is one.
    """
    informed, inform = os.pipe()
    waits, go = os.pipe()
    try:
        process = subprocess.Popen(
            command(inform, waits),
            stdin=inlet,
            stdout=outlet,
            stderr=subprocess.PIPE,
            cwd="/",
            env=ENVIRONMENT,  # the first process inside keeps it where it can be read
            pass_fds=(inform, waits, *inherited),
            start_new_session=True,
        )
        os.close(inform)
        inform = -1
        assert process.stderr is not None
        with os.fdopen(os.dup(informed)) as file, process.stderr:
            told = file.read()
            if not told:
                said = process.stderr.read().decode(errors="replace")
                process.wait()
                raise SandboxError(_with_remedy(said))
        facts = json.loads(told)
        bounds = group(limits, facts["child-pid"])
        with contextlib.suppress(BrokenPipeError):  # it has ended by now, as will be found
            os.write(go, b"!")
        return process, facts, bounds
    finally:
        for descriptor in (informed, inform, waits, go):
            if descriptor >= 0:
                os.close(descriptor)


def _with_remedy(error: str) -> str:
    """Return what bubblewrap said, with what to do about it."""
    said = " ".join(error.split()) or "bubblewrap said nothing"
    if "Unknown option" in said:
        return f"bubblewrap is too old, 0.8 or later is needed ({said})"
    if "Permission denied" in said or "Operation not permitted" in said or "No permissions" in said:
        return (
            f"bubblewrap may not make its spaces ({said}): on Ubuntu, sudo sysctl "
            "kernel.apparmor_restrict_unprivileged_userns=0; in Docker, --cap-add SYS_ADMIN and "
            "--security-opt with each of seccomp=, apparmor= and systempaths=unconfined"
        )
    return said
