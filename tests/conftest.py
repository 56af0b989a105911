"""Kernels; servers on this machine, for what is downloaded; the `dlcourse` command; a browser."""

import os
import shutil
import socket
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from chromium import AXE, BROWSERS, FLAGS

from dlcourse import cli
from dlcourse.kernels import C_NAMES
from dlcourse.native.library import library


def pytest_sessionstart():
    """Compile the kernels now: else some test would find the line that says so among its output."""
    if not all(library(dtype) for dtype in C_NAMES):
        os.environ["DLCOURSE_KERNELS"] = "off"


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves files ({name: bytes}) and returns address and requests."""
    servers = []

    def start(files):
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", server.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def offline():
    """Return an address where nothing listens: the port is taken, so that no server gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `dlcourse ARGS`; gives exit status, standard output and error."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["dlcourse", *map(str, args)])
        monkeypatch.setattr(sys, "stderr", sys.stderr)  # `main` wraps it
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture(scope="session")
def browser():
    """Start the browser."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; `make test` installs it"
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("there is no Chromium; on Debian `apt install chromium` installs it")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe():
    """Return the script that looks for what keeps people out."""
    if not AXE.exists():
        pytest.skip("axe-core is not there; `make test` fetches it where npm is installed")
    return AXE.read_text(encoding="utf-8")
