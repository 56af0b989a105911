"""Take README's picture of the built front page: a misread digit, and its gradients.

    python tools/picture.py [PAGE]   writes docs/page.png from _build/html/book/index.html

It needs Chromium and the packages of the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
import chromium  # noqa: E402

PICTURE = ROOT / "docs" / "page.png"


def main(page: Path) -> None:
    """Do what the first sentence of the page says, up to the gradients, and take the picture."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        view = browser.new_page(viewport={"width": 1440, "height": 1200}, reduced_motion="reduce")
        view.goto(page.resolve().as_uri(), wait_until="networkidle")
        explorer = view.locator(".dlcourse").first
        told = explorer.get_by_role("status").first
        told.filter(has_text="which is right").wait_for()
        explorer.get_by_role("button", name="Next misread one").click()
        told.filter(has_text="; right is").wait_for()
        explorer.get_by_role("button", name="Backward: gradients").click()
        view.mouse.move(0, 0)
        view.screenshot(path=PICTURE)
        browser.close()
    with Image.open(PICTURE) as picture:
        picture.convert("RGB").quantize(128).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build/html/book/index.html")
