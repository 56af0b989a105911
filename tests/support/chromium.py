"""How Chromium is started for tests of pages, and what axe-core is asked."""

import shutil
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Chromium as it comes asks its makers' servers for one thing and another.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).resolve().parents[2] / "_build" / "axe" / "axe.min.js"

VIOLATIONS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .flatMap((v) => v.nodes.map((n) => `${v.id} (${v.impact}): ${n.target.join(" ")}`));
}"""


def launch(playwright):
    """Start the Chromium of this machine, or the one that Playwright has brought."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def unreadable(browser, axe, paths):
    """Return what keeps people from reading these files: light and dark, wide and narrow."""
    found = []
    for scheme in ("light", "dark"):
        for width in (360, 1200):
            view = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
            for path in paths:
                view.goto(path.as_uri())
                if view.evaluate("document.documentElement.scrollWidth") > width:
                    found.append(f"{path.name} is wider than {width}")
                view.evaluate(axe)
                found += [f"{path.name}, {scheme}, {width}: {v}" for v in view.evaluate(VIOLATIONS)]
            view.close()
    return found
