"""A browser and a server for the built book. Where they cannot be had, tests are skipped."""

import functools
import http.server
import json
import re
import threading
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
#: Of no consequence to readers, and not ours: html-manager's remark on its own schema, and the
#: two seconds after which anywidget's promise to a kernel lapses on a slow machine. A widget that
#: is really missing fails in `Visit.open`.
NOISE = ("strict mode: use allowUnionTypes", "[anywidget] Failed to initialize model")
#: Every explorer and quiz that the page holds is there.
EXPLORERS_ARE_DRAWN = """() => {
  const type = "application/vnd.jupyter.widget-state+json";
  const states = document.querySelectorAll(`script[type="${type}"]`);
  const models = [...states].flatMap((s) => Object.values(JSON.parse(s.textContent).state));
  const expected = models.filter((m) => m.model_name === "AnyModel").length;
  return document.querySelectorAll(".dlcourse").length >= expected;
}"""
STATE = re.compile(
    r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>', re.DOTALL
)


def pages():
    """Return the addresses of all pages in the table of contents, relative to the site."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    found = [toc["root"]]

    def walk(entries):
        for entry in entries:
            if "file" in entry:
                found.append(entry["file"])
            for key in ("parts", "chapters", "sections"):
                walk(entry.get(key, ()))

    walk([toc])
    return [f"{page.removesuffix('.md')}.html" for page in found]


def pytest_generate_tests(metafunc):
    if "address" in metafunc.fixturenames:
        metafunc.parametrize("address", pages())


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    """Serve the built book on loopback, and return its address."""
    if not (HTML / "index.html").exists():
        pytest.skip("the book is not built; `make book` builds it")
    if not (HTML / "_static" / "vendor").exists():
        pytest.skip("the book is built without npm, so its pages ask CDNs; install npm")
    handler = functools.partial(QuietHandler, directory=HTML)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def html(site):
    """Return the folder of the built book."""
    return HTML


@pytest.fixture(scope="session")
def kinds(html):
    """Return the kinds of the explorers and quizzes on each page that has any, by its address."""
    found = {}
    for address in pages():
        for state in STATE.findall((html / address).read_text(encoding="utf-8")):
            models = json.loads(state)["state"].values()
            of_page = [m["state"]["kind"] for m in models if m["model_name"] == "AnyModel"]
            found.setdefault(address, []).extend(of_page)
    return found


class Visit:
    """A page of the browser that keeps what went wrong in it."""

    def __init__(self, browser, site):
        self.site = site
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.set_default_timeout(120_000)  # slow machines are no failure
        self.page = self.context.new_page()
        self.problems = []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.note(f"error: {error}"))
        self.page.on("request", self.see)
        self.page.on(
            "requestfailed", lambda request: self.problems.append(f"failed: {request.url}")
        )
        self.page.on("response", self.read)

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.note(f"console {message.type}: {message.text}")

    def note(self, text):
        if not any(noise in text for noise in NOISE):
            self.problems.append(text)

    def see(self, request):
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.problems.append(f"leaves the machine: {request.url}")

    def read(self, response):
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.url}")

    def open(self, address):
        self.page.goto(f"{self.site}/{address}", wait_until="networkidle")
        self.page.wait_for_function(EXPLORERS_ARE_DRAWN)
        return self.page


@pytest.fixture
def visit(browser, site):
    """Return a new page with nothing stored, wide and light, and what went wrong in it."""
    visit = Visit(browser, site)
    yield visit
    visit.context.close()
