"""What attacks would leave behind: files, processes, connections, secrets and scripts in pages."""

import ctypes
import hashlib
import os
import secrets
import signal
import socket
import time
from html.parser import HTMLParser
from pathlib import Path

import dlcourse

#: What grading writes: everything else in a course stays as it is.
WRITTEN = ("autograded", "feedback", "grades", "gradebook.db", "results")
_SUBREAPER = 36
_LEAVES = ("/tmp", "/dev/shm", "/var/tmp", "/dev/mqueue")


class Watch:
    """Look at a course before and after grading; `harm` says what an attack has done.

    A process that outlives its parent becomes a child of this one, so that it is found. (Linux.)
    """

    def __init__(self, folder):
        self.mark = "mark" + secrets.token_hex(6)
        self.outside, self.course = folder / "outside", folder / "course"
        self.secret = "SECRET-" + secrets.token_hex(8)
        self._sockets = []

    def __enter__(self):
        self.outside.mkdir()
        (self.outside / "canary").write_text(self.secret)
        self._others = descendants()
        self._library = ctypes.CDLL(None)
        self._library.prctl(_SUBREAPER, 1, 0, 0, 0)
        self._before = {self.outside: {}, self.course: {}}
        tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.port = tcp.getsockname()[1]
        self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", self.port))
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.mark)
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, str(self.outside / "socket"))
        os.environ["DLCOURSE_TEST_SECRET"] = self.secret
        return self

    def __exit__(self, *told):
        del os.environ["DLCOURSE_TEST_SECRET"]
        for one in self._sockets:
            one.close()
        for pid in descendants(self._others) - {os.getpid()}:
            os.kill(pid, signal.SIGKILL)
        self._library.prctl(_SUBREAPER, 0, 0, 0, 0)

    def _listen(self, family, kind, address):
        one = socket.socket(family, kind)
        self._sockets.append(one)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen(99)
        one.setblocking(False)
        return one

    @property
    def words(self):
        """What stands for the words with a $ in attacks."""
        names = {"outside": self.outside, "course": self.course, "port": self.port}
        return {name: str(value) for name, value in names.items()} | {"mark": self.mark}

    def remember(self):
        """Note what there is before grading."""
        self._before = self._now()

    def _now(self):
        package = Path(dlcourse.__file__).parent
        found = _contents(self.outside) | _contents(self.course, WRITTEN)
        return found | _contents(package, ("__pycache__", "data", "zoo"))

    def harm(self):
        """Return a sentence for everything that should not have happened."""
        found = [f"a process goes on: {pid}" for pid in survivors(self._others)]
        for one in self._sockets:
            try:
                one.recv(1) if one.type == socket.SOCK_DGRAM else one.accept()
                found.append(f"a connection to {one.getsockname()}")
            except BlockingIOError:
                pass
        now = self._now()
        for path in sorted(now.keys() | self._before.keys()):
            if now.get(path) != self._before.get(path):
                found.append(f"changed: {path}")
        for place in (*_LEAVES, Path.home(), self.course, self.outside):
            found += [f"left behind: {path}" for path in _named(place, self.mark, self.course)]
        return found + list(self._leaks())

    def _leaks(self):
        hidden = ("beyond = float(", "q.grad = p.grad.copy")  # of the tests of the two tasks
        for name in ("results", "feedback", "grades"):
            for path in sorted((self.course / name).rglob("*")):
                if not path.is_file():
                    continue
                if path.stat().st_size > 2**22:
                    yield f"{path} has {path.stat().st_size:,} bytes"
                text = path.read_text(encoding="utf-8", errors="replace")
                for word in (self.secret, "root:x:0:0", *hidden):
                    if word in text:
                        yield f"{path} tells {word}"
                if path.suffix == ".html":
                    yield from (f"{path}: {script}" for script in scripts(text, self.mark))


def _contents(folder, leave_out=()):
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part in leave_out for part in inside) or path.is_dir() or path.is_socket():
            continue
        if path.is_symlink() or path.is_fifo():
            found[path] = os.readlink(path) if path.is_symlink() else "pipe"
        else:
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _named(place, mark, course):
    """Find what bears the mark; submissions may."""
    for folder, folders, files in os.walk(place):
        folders[:] = [f for f in folders if Path(folder, f) != course / "submitted"]
        yield from (os.path.join(folder, name) for name in folders + files if mark in name)


def descendants(beside=frozenset()):
    """Return the processes that this one has started, and those have, and so on.

    Without some others and what these start: a browser, for example, starts helpers as it likes.
    """
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(name)] = int(parent)
    found, new = set(), {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found - beside
        found |= new
    return found


def survivors(others):
    """Return what is there beside other processes, after a moment in which it could end."""
    for _ in range(100):
        found = descendants(others) - {os.getpid()}
        if not found:
            break
        time.sleep(0.02)
    return found


class _Scripts(HTMLParser):
    def __init__(self, mark):
        super().__init__()
        self.mark, self.found, self._inside = mark, [], False

    def handle_starttag(self, tag, attributes):
        self._inside = tag == "script"
        for name, value in attributes:
            value = "".join((value or "").split()).lower()
            loads = name in ("src", "href", "srcdoc", "content", "action", "style", "data")
            if name.startswith("on") and self.mark in value:
                self.found.append(f"<{tag} {name}=...>")
            elif loads and self.mark in value and (tag != "a" or value.startswith("javascript:")):
                self.found.append(f"<{tag} {name}={value[:40]}>")

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        if self._inside and self.mark in data:
            self.found.append("a script of a learner's")

    def handle_endtag(self, tag):
        self._inside = False


def scripts(page, mark):
    """Return what a browser would run or load of what a learner wrote."""
    parser = _Scripts(mark)
    parser.feed(page)
    parser.close()
    return parser.found
