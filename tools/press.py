"""What Chromium does for the book on paper: stills of explorers, formulas, the PDF itself."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leaves import HTML, Page
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import chromium  # noqa: E402

#: Milliseconds: a slow machine is no failure.
PATIENCE = 300_000
#: What lies between the margins of A4, in pixels of CSS.
WIDTH = 642
#: What is wider than the paper becomes smaller.
FIT = """() => {
  for (const one of document.querySelectorAll("table, mjx-container[display='true']")) {
    const room = one.parentElement.clientWidth;
    const inner = one.tagName === "TABLE" ? one : one.firstElementChild;
    const share = room / Math.max(inner.scrollWidth, inner.getBoundingClientRect().width);
    if (share < 1) one.style.fontSize = `${Math.max(0.98 * share, 0.5) * 100}%`;
  }
}"""
#: What floats over a page would lie over its explorers.
UNCOVER = """() => {
  for (const one of document.querySelectorAll("body *"))
    if (["fixed", "sticky"].includes(getComputedStyle(one).position) && !one.closest(".dlcourse"))
      one.style.visibility = "hidden";
}"""
TYPESET = "() => MathJax.startup.promise"
MATHML = """async (formulas) => {
  await MathJax.startup.promise;
  const found = [];
  for (const [tex, display] of formulas) found.push(await MathJax.tex2mmlPromise(tex, { display }));
  return found;
}"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium, or say that there is none."""
    with sync_playwright() as playwright:
        try:
            started = chromium.launch(playwright)
        except Exception as error:
            raise SystemExit(
                "There is no Chromium that could print; on Debian `apt install chromium` installs "
                f"it ({str(error).splitlines()[0]})"
            ) from error
        yield started
        started.close()


def stills(browser: Browser, pages: Sequence[Page], folder: Path) -> dict[str, list[Path]]:
    """Take a picture of each explorer as it stands at first, by the key of its page."""
    folder.mkdir(parents=True, exist_ok=True)
    view = browser.new_page(
        viewport={"width": 1440, "height": 1200},
        device_scale_factor=2,
        color_scheme="light",
        reduced_motion="reduce",
    )
    view.set_default_timeout(PATIENCE)
    taken: dict[str, list[Path]] = {}
    for page in pages:
        taken[page.leaf.key] = paths = []
        if all(one.kind == "quiz" for _, one in page.explorers):
            continue
        view.goto((HTML / f"{page.leaf.name}.html").as_uri(), wait_until="networkidle")
        expected = len(page.explorers)
        view.wait_for_function(
            "n => document.querySelectorAll('.dlcourse').length >= n", arg=expected
        )
        view.evaluate(UNCOVER)
        for number, (_, explorer) in enumerate(page.explorers):
            paths.append(folder / f"{page.leaf.key}-{number}.png")
            if explorer.kind != "quiz":
                _take(view.locator(".dlcourse").nth(number), paths[-1])
    view.close()
    return taken


def _take(explorer: Any, path: Path) -> None:
    """Write the picture of an explorer, which draws itself when it is in view."""
    explorer.scroll_into_view_if_needed()
    before = b""
    while (picture := explorer.screenshot(animations="disabled")) != before:
        before = picture
        explorer.page.wait_for_timeout(400)
        if explorer.evaluate("(one) => (one.stills = (one.stills || 0) + 1)") > 20:
            break  # it moves by itself: any moment will do
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)


def mathml(browser: Browser, formulas: Sequence[tuple[str, bool]], page: Path) -> list[str]:
    """Return formulas as MathML, translated by the MathJax of a page.

    Parameters
    ----------
    browser : Browser
        Chromium.
    formulas : sequence of (str, bool)
        TeX, and whether it stands on a line of its own.
    page : Path
        A page with MathJax.
    """
    view = browser.new_page()
    view.set_default_timeout(PATIENCE)
    view.goto(page.as_uri())
    view.wait_for_function("() => window.MathJax?.startup?.promise")
    found: list[str] = view.evaluate(MATHML, [list(one) for one in formulas])
    view.close()
    return found


def pdf(browser: Browser, document: Path, path: Path) -> None:
    """Print a document that has formulas, with an outline of its headings."""
    view = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
    view.set_default_timeout(PATIENCE)
    view.emulate_media(media="print")
    view.goto(document.as_uri())
    view.wait_for_function("() => window.MathJax?.startup?.promise")
    view.evaluate(TYPESET)
    view.evaluate(FIT)
    view.pdf(path=path, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
    view.close()
