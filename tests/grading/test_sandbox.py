"""From inside a sandbox, small programs try to get out; none does, and none remains."""

import itertools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from dlcourse.grading import limits, running, sandbox
from dlcourse.grading.inside import ENVIRONMENT, HIDDEN, hidden, python
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
with_none = pytest.mark.parametrize(
    "box", [BUBBLEWRAP, ANOTHER_USER, pytest.param(Sandbox(), id="none")]
)
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

    def __init__(self, box, text, *arguments, read_only=None, **most):
        inlet, self.inlet = os.pipe()
        outlet, theirs = os.pipe()
        self.outlet = os.fdopen(outlet, "rb")
        program = OTHER_PYTHON if isinstance(box, AnotherUser) else sys.executable
        self.running = box.start(
            [program, "-I", "-c", PRELUDE + textwrap.dedent(text), *arguments],
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
def open_path(tmp_path):
    """A folder that everybody outside may read; pytest closes those above it."""
    for folder in (tmp_path, *tmp_path.parents[:3]):  # the third, where tests run side by side
        if folder.stat().st_uid == os.geteuid() and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@pytest.fixture
def secret(open_path):
    """A file that everybody outside may read and change."""
    path = open_path / "gradebook.db"
    path.write_text("marks")
    path.chmod(0o666)
    return path


@with_none
def test_nothing_is_inherited_but_two_pipes(box):
    program = """
        import stat
        kinds = {}
        for number in range(256):
            with contextlib.suppress(OSError):
                mode = os.fstat(number).st_mode
                kinds[number] = "pipe" if stat.S_ISFIFO(mode) else os.fstat(number).st_rdev
        tell([kinds, os.stat("/dev/null").st_rdev])
    """
    with open(__file__) as file:
        os.set_inheritable(file.fileno(), True)
        with Program(box, program) as started:
            kinds, null = started.told()
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
    wanted = [str(secret), str(Path.home()), __file__, "/etc/shadow", str(Path.cwd())]
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
        tell(["end", None])
        """,
    ) as program:
        found = {}
        while "end" not in found:
            found.update([program.told()])
    # In a folder of the one who grades there may be this Python, and its folders lead there.
    for folder in {Path.home(), Path.cwd()}:
        inside = (path for path in python() if path.is_relative_to(folder))
        seen = found.pop(str(folder)) or []
        assert {*seen} <= {path.relative_to(folder).parts[0] for path in inside}
    assert not any(found.values())


@every_sandbox
def test_nothing_can_be_written_but_the_scratch(box, secret):
    places = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/dev/shm", "/var/tmp", "/home"]
    places += [sys.prefix, str(Path(os.__file__).parent), str(secret.parent), str(Path.cwd())]
    with Program(
        box,
        f"""
        def write(path):
            open(path, "a").write("x")
        tell([p for p in {places!r} if may(write, p + "/x") or may(os.mkdir, p + "/y")])
        tell([may(write, {str(secret)!r}), may(os.unlink, {str(secret)!r}), may(write, "x")])
        """,
    ) as program:
        written = program.told()
        assert program.told() == [None, None, "yes"]
    if box.name == "bubblewrap":  # there the scratch is called /tmp, whatever lies below it outside
        written = [place for place in written if not Path(place).is_relative_to("/tmp")]
    assert written == []
    assert secret.read_text() == "marks"
    assert not [name for name in os.listdir(Path.cwd()) if name in ("x", "y")]


@every_sandbox
def test_no_environment(box, monkeypatch):
    monkeypatch.setenv("TOKEN", "very-secret")
    with Program(
        box,
        """
        found = b""
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                found += path.read_bytes()
        tell([sorted(os.environ), "very-secret" in found.decode()])
        """,
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
        tell({
            "users": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
            "privileges": libc.prctl(39, 0, 0, 0, 0),  # no new ones
            "root": may(os.setuid, 0),
            "owner": may(os.chown, "/tmp", 0, 0),
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
        "privileges": 1,
        "root": None,
        "owner": None,
        "space": [-1, -1, -1],
        "mount": -1,
    }


@every_sandbox
def test_others_are_out_of_reach(box):
    """We cannot be killed, stopped or read."""
    with Program(
        box,
        f"""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        done = [may(os.kill, {os.getpid()}, signal.SIGKILL)]
        for name in ("environ", "mem", "maps", "fd", "cwd", "root/etc/passwd"):
            path = f"/proc/{os.getpid()}/{{name}}"
            done.append(may(os.listdir, path) or may(open, path))
        tell(done)
        for pid in (-1, os.getppid(), 1):
            may(os.kill, pid, signal.SIGTERM)
            may(os.kill, pid, signal.SIGKILL)
        tell("tried")
        signal.pause()
        """,
    ) as program:
        assert not any(program.told())
        assert program.told() == "tried"
        program.running.end()
        assert program.nothing_remains()


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
    """Each of them takes less than one may, and lets nobody look into it."""
    if bounded_by == "looking":
        monkeypatch.setattr(running, "group", lambda *_: None)
    with Program(
        box,
        """
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
        for _ in range(5):
            if os.fork() == 0:
                memory = bytearray(os.urandom(1)) * (60 << 20)
                signal.pause()
        os.wait()
        """,
        memory=180 << 20,
    ) as program:
        if bounded_by == "the kernel" and program.running._group is None:
            pytest.skip("the kernel lends no control group here")
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
    program = OTHER_PYTHON if isinstance(box, AnotherUser) else sys.executable
    script = f"""
import os, signal, sys
from dlcourse.grading import sandbox
inlet, ours = os.pipe()
running = sandbox.{type(box).__name__}().start(
    [{program!r}, "-I", "-c", sys.stdin.read()],
    inlet=inlet, outlet={theirs}, read_only={{}}, limits=sandbox.Limits(),
)
os.close({theirs})
signal.pause()
"""
    judge = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, pass_fds=(theirs,)
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


@every_sandbox
def test_what_threads_and_children_compute_is_counted(box):
    with Program(
        box,
        """
        def work(seconds):
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                pass
        def count():
            tell(time.process_time() + sum(os.times()[2:4]))
            os.read(3, 1)
        count()
        threads = [threading.Thread(target=work, args=(0.03,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        count()
        work(0.002)
        count()
        if os.fork() == 0:
            work(0.05)
            os._exit(0)
        os.wait()
        count()
        """,
    ) as program:
        counted = []
        for _ in range(4):
            theirs = program.told()
            counted.append(program.running.computed())
            assert counted[-1] >= theirs - 0.011, "of ended children it may be in hundredths"
            os.write(program.inlet, b"!")
    gained = [after - before for before, after in itertools.pairwise(counted)]
    assert gained[0] >= 0.06
    assert 0.002 <= gained[1] < 0.5
    assert gained[2] >= 0.03


@every_sandbox
@pytest.mark.parametrize(
    ("most", "program", "reason"),
    [
        ({"processor": 0.2}, "while True: pass", "it computed for 0.2 seconds"),
        ({"wall": 0.2}, "signal.pause()", "it ran for 0.2 seconds"),
        ({}, "sys.exit(3)", "the program ended itself"),
        ({}, "os.kill(os.getpid(), signal.SIGSEGV)", "the program crashed (SIGSEGV)"),
        ({}, "os.kill(os.getpid(), signal.SIGKILL)", "it was killed"),
    ],
)
def test_how_it_ended(box, most, program, reason):
    with Program(box, program, **most) as started:
        assert started.told() is None
        assert reason in started.running.how_it_ended()
        started.running.end()
        assert reason in started.running.how_it_ended()


@with_none
def test_ended_by_us_and_nothing_left_on_the_disk(box, monkeypatch, open_path):
    monkeypatch.setattr("tempfile.tempdir", str(open_path))
    with Program(box, "open('x', 'w').write('x')\ntell(1)\nsignal.pause()") as program:
        program.told()
        bounds = program.running._group
        for _ in range(2):
            program.running.end()
        assert program.running.how_it_ended() == "we ended it"
        assert program.running.computed() > 0
        assert not bounds or not any(path.exists() for path in bounds._folders.values())
    assert not list(open_path.iterdir())


@with_none
def test_what_is_given_can_be_read_and_not_changed(box, secret):
    """Where nothing can be mounted, the arguments say where it lies outside."""
    (secret.parent / "module.py").write_text("answer = 42")
    with Program(
        box,
        "sys.path.insert(0, sys.argv[1]); import module; tell(module.answer)",
        "/course/package",
        read_only={secret.parent: Path("/course/package")},
    ) as program:
        assert program.told() == 42
    if box.name != "none":
        names = {path.name for path in secret.parent.iterdir()}
        assert names == {"gradebook.db", "module.py"}


@every_sandbox
def test_packages_that_do_the_tasks_are_not_there(box, monkeypatch):
    """Here a package that every Python has is one of them, too."""
    libraries = [Path(os.__file__).parent, *Path("/usr/lib").glob("python3*")]
    paths = [path / "wsgiref" for path in libraries if (path / "wsgiref").is_dir()]
    monkeypatch.setattr(sandbox, "hidden", lambda: hidden() | {*paths})
    with Program(
        box,
        f"""
        import importlib
        names = ["wsgiref.util", *(name + ".__init__" for name in {HIDDEN!r})]
        tell([name for name in names if may(importlib.import_module, name)])
        tell([str(path) for path in map(pathlib.Path, {[str(p) for p in paths]!r})
              if may((path / "util.py").read_text)])
        """,
    ) as program:
        assert program.told() == []
        assert program.told() == []


@every_sandbox
def test_work_that_lies_in_usr_is_not_there(box):
    with Program(box, "tell(may(os.listdir, '/usr/src'))") as program:
        assert program.told() is None


def test_none_is_chosen_only_by_name():
    assert sandbox.choose(without=True).name == "none"


def test_refused_with_reasons(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SandboxError) as refused:
        sandbox.choose()
    assert str(refused.value) == (
        "there is no sandbox to run learners' code in: bubblewrap is not installed (apt install "
        "bubblewrap); only root can run it as another user. --no-sandbox would run it with all of "
        "your rights"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns=0"),
        ("bwrap: Unknown option --disable-userns", "bubblewrap is too old, 0.8 or later"),
        ("bwrap: Out of disk", "bwrap: Out of disk"),
        ("", "bubblewrap said nothing"),
    ],
)
def test_refused_if_bubblewrap_does_not_work(monkeypatch, tmp_path, said, reason):
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sandbox, "_no_other_user", lambda: "no other user")
    with pytest.raises(SandboxError, match="no other user") as refused:
        sandbox.choose()
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("platform", "reason"),
    [("darwin", "there is no sandbox for macOS"), ("win32", "does not run on Windows itself")],
)
def test_refused_where_there_is_no_linux(monkeypatch, platform, reason):
    monkeypatch.setattr("sys.platform", platform)
    with pytest.raises(SandboxError, match=f"{reason}: grade in WSL 2.* or in a container"):
        sandbox.choose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is told what another user lacks")
def test_another_user_is_refused_where_files_would_be_open(monkeypatch):
    monkeypatch.setattr("dlcourse.grading.unprivileged.landlock", lambda: 0)
    assert "no Landlock" in sandbox._no_other_user()


@BUBBLEWRAP.marks[0]
def test_bubblewrap_comes_first():
    assert sandbox.choose().name == "bubblewrap"


@every_sandbox
def test_memory_that_processes_share_counts_once(box):
    with Program(
        box,
        """
        memory = bytearray(os.urandom(1)) * (40 << 20)
        for _ in range(5):
            if os.fork() == 0:
                signal.pause()
        tell("born")
        signal.pause()
        """,
    ) as program:
        program.told()
        processes = limits.inside(program.running.pid)
        assert limits.memory(processes) > 6 * 40 << 20
        assert 40 << 20 < limits.memory(processes, enough=100 << 20) < 120 << 20


def test_what_is_computed_between_ticks_is_seen_beside_what_has_ended(monkeypatch, tmp_path):
    group = object.__new__(limits.Group)
    group._folders, group._ended = {"cpu": tmp_path, "pids": tmp_path}, 0.0
    (tmp_path / "cgroup.procs").write_text("7")
    found = []
    # 1 s of a process that has ended; the counter of the group stands still from tick to tick.
    for counted, clock in ((1.5, 0.5), (1.5, 0.503), (1.51, 0.508), (1.51, 0.512)):
        (tmp_path / "cpu.stat").write_text(f"usage_usec {counted * 1e6:.0f}\n")
        monkeypatch.setattr(limits, "_clock", lambda pid, now=clock: now)
        found.append(group.computed())
    assert found == pytest.approx([1.5, 1.503, 1.51, 1.514])


def test_what_is_computed_is_known_without_clocks_of_linux(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert limits.computed([os.getpid()]) > 0


def test_where_a_control_group_may_be_made(tmp_path):
    """Beside ours in version 2, if its controllers are there; below ours in version 1."""
    ours = tmp_path / "cgroup"
    ours.write_text("0::/user.slice/ann.slice/terminal.scope\n")
    (tmp_path / "cgroup.controllers").touch()
    beside = tmp_path / "user.slice" / "ann.slice"
    beside.mkdir(parents=True)
    assert list(limits._places(tmp_path, ours)) == []
    (beside / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert list(limits._places(tmp_path, ours)) == [
        {"memory": beside, "pids": beside, "cpu": beside}
    ]
    ours.write_text("5:memory:/ann\n4:pids:/\n3:cpu,cpuacct:/bob\n")
    (tmp_path / "cgroup.controllers").unlink()
    assert list(limits._places(tmp_path, ours)) == [
        {
            "memory": tmp_path / "memory" / "ann",
            "pids": tmp_path / "pids",
            "cpu": tmp_path / "cpuacct" / "bob",
        },
        {kind: tmp_path / {"cpu": "cpuacct"}.get(kind, kind) for kind in ("memory", "pids", "cpu")},
    ]


def test_groups_of_those_that_were_killed_are_removed(tmp_path):
    for number in (os.getpid(), 2**30):
        (tmp_path / f"dlcourse-{number}-0").mkdir()
    limits._remove_old(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"dlcourse-{os.getpid()}-0"]
