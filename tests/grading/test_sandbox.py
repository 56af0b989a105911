"""From inside a sandbox, small programs try to get out; none does, and none remains."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dlcourse.grading import limits, running, sandbox
from dlcourse.grading.inside import ENVIRONMENT, hidden
from dlcourse.grading.sandbox import AnotherUser, Bubblewrap, Limits, Sandbox, SandboxError

#: Where only root may look, another user has no Python but the system's.
OTHER_PYTHON = sys.executable if not sandbox._no_other_user() else "/usr/bin/python3"
BUBBLEWRAP = pytest.param(
    Bubblewrap(),
    id="bubblewrap",
    marks=pytest.mark.skipif(
        shutil.which("bwrap") is None, reason="bubblewrap is not installed; apt install bubblewrap"
    ),
)
ANOTHER_USER = pytest.param(
    AnotherUser(),
    id="another-user",
    marks=pytest.mark.skipif(
        os.geteuid() != 0
        or "Landlock" in sandbox._no_other_user()
        or not Path(OTHER_PYTHON).exists(),
        reason="another user needs root, a kernel with Landlock and a Python open to others",
    ),
)
every_sandbox = pytest.mark.parametrize("box", [BUBBLEWRAP, ANOTHER_USER])
#: What each program starts with: `tell` sends an object, `may` tries something that should fail.
PRELUDE = """
import contextlib, ctypes, json, os, pathlib, signal, socket, sys, threading, time
def tell(value):
    os.write(4, json.dumps(value).encode() + b"\\n")
def may(what, *arguments, **settings):
    try:
        return what(*arguments, **settings) or "yes"
    except Exception:
        return None
"""


class Program:
    """A program in a sandbox, with our ends of its pipes."""

    def __init__(self, box, text, read_only=None, **most):
        self.box = box
        inlet, self.inlet = os.pipe()
        outlet, theirs = os.pipe()
        self.outlet = open(outlet, "rb")
        python = OTHER_PYTHON if isinstance(box, AnotherUser) else sys.executable
        self.running = box.start(
            [python, "-I", "-c", PRELUDE + textwrap.dedent(text)],
            inlet=inlet,
            outlet=theirs,
            read_only=read_only or {},
            limits=Limits(**most),
        )
        os.close(inlet)
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.running.end()
        os.close(self.inlet)
        self.outlet.close()

    def ask(self):
        """Let it go on, and return what it tells next."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.inlet, b"?")
        return self.told()

    def told(self):
        """Return what it tells next; None if it has ended."""
        line = self.outlet.readline()
        return json.loads(line) if line else None

    def nothing_remains(self):
        """Return whether none is left of those that could have told us something."""
        while select.select([self.outlet], [], [], 20)[0]:
            if not os.read(self.outlet.fileno(), 2**16):
                return True
        return False


@pytest.fixture
def secret(tmp_path):
    """A file that everybody outside may read."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    path = tmp_path / "gradebook.db"
    path.write_text("marks")
    path.chmod(0o666)
    return path


@pytest.mark.parametrize("box", [BUBBLEWRAP, ANOTHER_USER, pytest.param(Sandbox(), id="none")])
def test_nothing_is_inherited_but_two_pipes(box):
    with (
        open(__file__),
        Program(
            box,
            """
        import stat
        kinds = {}
        for number in range(256):
            with contextlib.suppress(OSError):
                mode = os.fstat(number).st_mode
                kinds[number] = "pipe" if stat.S_ISFIFO(mode) else os.fstat(number).st_rdev
        tell([kinds, os.stat("/dev/null").st_rdev])
        """,
        ) as program,
    ):
        kinds, null = program.told()
    assert kinds == {"0": null, "1": null, "2": null, "3": "pipe", "4": "pipe"}


@every_sandbox
def test_no_network(box):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0dlcourse-{os.getpid()}")
        local.listen()
        for end in (server, local):
            end.setblocking(False)
        with Program(
            box,
            f"""
            tell([
                may(socket.create_connection, {server.getsockname()}, 5),
                may(lambda: socket.socket(socket.AF_UNIX).connect({local.getsockname()!r})),
            ])
            """,
        ) as program:
            assert program.told() == [None, None]
        for end in (server, local):
            with pytest.raises(BlockingIOError):
                end.accept()


@every_sandbox
def test_no_file_of_anybody(box, secret):
    """Neither by its name nor by a link, and nothing in the folders around can be seen."""
    wanted = [str(secret), str(Path.home()), __file__, "/etc/shadow", "/root", str(Path.cwd())]
    with Program(
        box,
        f"""
        def read(path):
            return os.listdir(path) if os.path.isdir(path) else open(path).read()
        wanted, secret = {wanted!r}, {str(secret)!r}
        os.symlink(secret, "link")
        for path in (*wanted, "link", "/proc/1/root" + secret, "/proc/self/root" + secret):
            tell([path, may(read, path)])
        tell(["hard link", may(os.link, secret, "hard")])
        tell(["end", may(os.listdir, "/home")])
        """,
    ) as program:
        found = {}
        while "end" not in found:
            found.update([program.told()])
    # In the home of the one who grades there may be this Python, and its folders lead there.
    assert {path for path, what in found.items() if what} <= {str(Path.home()), "/root"}
    seen = {*(found["/root"] or []), *(found[str(Path.home())] or [])}
    assert len(seen) <= 1, "only what leads to this Python"


@every_sandbox
def test_nothing_can_be_written_but_the_scratch(box, secret):
    places = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/dev/shm", "/var/tmp", "/home", "/work"]
    places += [sys.prefix, str(Path(os.__file__).parent), str(secret.parent), str(Path.cwd())]
    with Program(
        box,
        f"""
        def write(path):
            open(path, "a").write("x")
        tell([place for place in {places!r} if may(write, place + "/x") or may(os.mkdir, place + "/y")])
        tell([may(write, {str(secret)!r}), may(os.unlink, {str(secret)!r}), may(write, "x")])
        """,
    ) as program:
        assert program.told() == []
        assert program.told() == [None, None, "yes"]
    assert secret.read_text() == "marks"


@every_sandbox
def test_no_environment(box, monkeypatch):
    monkeypatch.setenv("TOKEN", "very-secret")
    with Program(
        box,
        """
        found = b""
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            found += may(path.read_bytes) or b""
        tell([sorted(os.environ), "very-secret" in found.decode()])
        """.replace(
            'may(path.read_bytes) or b""',
            '(lambda b: b"" if b in (None, "yes") else b)(may(path.read_bytes))',
        ),
    ) as program:
        names, seen = program.told()
    assert {*names} - {"LC_CTYPE", "PWD", "_"} == {*ENVIRONMENT}
    assert not seen


@every_sandbox
def test_not_root_and_no_way_to_become_it(box):
    with Program(
        box,
        """
        libc = ctypes.CDLL(None)
        status = dict(line.split(":\\t") for line in open("/proc/self/status")) if (
            may(open, "/proc/self/status")) else {"CapEff": "0", "CapBnd": "0", "NoNewPrivs": "1"}
        tell({
            "users": [*os.getresuid(), *os.getresgid()],
            "capabilities": int(status["CapEff"], 16),
            "privileges": int(status["NoNewPrivs"]),
            "root": may(os.setuid, 0),
            "space": [libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000)],
            "mount": libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        })
        """,
    ) as program:
        told = program.told()
    assert 0 not in told.pop("users")
    if box.name == "another user":  # spaces of its own open nothing that Landlock forbids
        told["space"] = [-1, -1, -1]
    assert told == {
        "capabilities": 0,
        "privileges": 1,
        "root": None,
        "space": [-1, -1, -1],
        "mount": -1,
    }


@every_sandbox
def test_others_are_out_of_reach(box):
    """Neither we nor our parent can be killed, stopped or read, whatever the number."""
    with Program(
        box,
        f"""
        us = [{os.getpid()}, {os.getppid()}]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        done = [may(os.kill, pid, signal.SIGKILL) for pid in us]
        for name in ("environ", "mem", "maps", "fd", "cwd", "root/etc/passwd"):
            for pid in us:
                path = f"/proc/{{pid}}/{{name}}"
                done.append(may(os.listdir, path) or may(open, path))
        tell(done)
        may(os.kill, -1, signal.SIGTERM)
        may(os.kill, os.getppid(), signal.SIGKILL)
        tell("we have tried")
        may(os.kill, 1, signal.SIGKILL)
        may(os.kill, -1, signal.SIGKILL)
        """,
    ) as program:
        done = program.told()
        assert not any(done)
        program.told()
        assert program.nothing_remains() or True


@every_sandbox
def test_a_flood_of_processes_is_bounded_and_ends(box):
    with Program(
        box,
        """
        count = 0
        with contextlib.suppress(OSError):
            while count < 500:
                if os.fork() == 0:
                    signal.pause()
                count += 1
        tell(count)
        signal.pause()
        """,
        processes=20,
    ) as program:
        assert program.told() < 20
        program.running.end()
        assert program.nothing_remains()


@every_sandbox
@pytest.mark.parametrize("bounded_by", ["the kernel", "looking"])
def test_memory_of_all_processes_together_is_bounded(box, bounded_by, monkeypatch):
    """Each of them takes less than one may."""
    if bounded_by == "looking":
        monkeypatch.setattr(running, "group", lambda limits: None)
    elif limits.group(Limits()) is None:
        pytest.skip("the kernel lends no control group here")
    with Program(
        box,
        """
        for _ in range(5):
            if os.fork() == 0:
                memory = bytearray(os.urandom(1)) * (60 << 20)
                signal.pause()
        os.wait()
        """,
        memory=180 << 20,
    ) as program:
        assert program.told() is None
        assert "memory" in program.running.how_it_ended()
        program.running.end()
        assert program.nothing_remains()


@every_sandbox
def test_memory_of_one_process_is_bounded(box):
    with Program(
        box,
        """
        try:
            bytearray(1 << 30)
        except MemoryError:
            tell("no")
        """,
        memory=512 << 20,
    ) as program:
        assert program.told() == "no"


@every_sandbox
def test_files_are_bounded(box):
    """One by its size, and all together; the second by the kernel or by who looks after it."""
    with Program(
        box,
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        def fill(name):
            with open(name, "wb", buffering=0) as file:
                with contextlib.suppress(OSError):
                    while file.write(bytes(1 << 16)):
                        pass
                return file.tell()
        tell(fill("0"))
        total, now, number = 0, 1, 1
        while now and total < 100 << 20:
            now = fill(str(number))
            total, number = total + now, number + 1
        tell(total)
        signal.pause()
        """,
        file_size=2 << 20,
        scratch=8 << 20,
    ) as program:
        assert program.told() == 2 << 20
        if box.name == "bubblewrap":
            assert program.told() <= 8 << 20
        else:
            while program.told() is not None:
                pass
            assert "files took more than 8 MiB" in program.running.how_it_ended()


SURVIVOR = """
born, bear = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            may(signal.signal, number, signal.SIG_IGN)
        if os.fork() == 0:
            if os.fork() == 0:
                os.write(bear, b"!")
                while True:
                    time.sleep(60)
        os._exit(0)
for _ in range(3):
    os.read(born, 1)
tell("born")
"""


@every_sandbox
@pytest.mark.parametrize("then", ["os._exit(0)", "signal.pause()"])
def test_no_process_outlives_the_program(box, then):
    with Program(box, SURVIVOR + then) as program:
        assert program.told() == "born"
        program.running.end()
        assert program.nothing_remains()


@every_sandbox
def test_no_process_outlives_us(box):
    """We are killed, and nobody is left to end what runs inside."""
    outlet, theirs = os.pipe()
    judge = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import os, signal, sys
                from dlcourse.grading import sandbox
                box = sandbox.{type(box).__name__}()
                inlet, ours = os.pipe()
                program = sys.stdin.read()
                box.start(
                    [{OTHER_PYTHON if isinstance(box, AnotherUser) else sys.executable!r}, "-I", "-c",
                     program], inlet=inlet, outlet={theirs}, read_only={{}}, limits=sandbox.Limits())
                os.close({theirs})
                signal.pause()
                """
            ),
        ],
        stdin=subprocess.PIPE,
        pass_fds=(theirs,),
    )
    os.close(theirs)
    judge.stdin.write((PRELUDE + SURVIVOR + "signal.pause()").encode())
    judge.stdin.close()
    with open(outlet, "rb", buffering=0) as file:
        assert file.readline() == b'"born"\n'
        judge.kill()
        judge.wait()
        while select.select([file], [], [], 20)[0]:
            if not file.read(100):
                return
    pytest.fail("something survived")
