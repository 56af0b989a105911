"""Make slides from short texts, with the figures of the book's pages: _build/html/slides.

    python tools/slides.py

A text in book/teaching/slides has a slide between any two lines ``---``, and below ``Note:`` what
the speaker sees. ``{figure} fig-digits`` shows the figure of that label as the built book has it,
with its description. reveal.js shows them, from the book's own folder: no slide needs a network.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup
from leaves import HTML, ROOT, table_of_contents
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from dlcourse import files

TEXTS = ROOT / "book" / "teaching" / "slides"
FOLDER = HTML / "slides"
REVEAL = HTML / "_static" / "vendor" / "reveal"
_FIGURE = re.compile(r"^\{figure\} (\S+)$", re.MULTILINE)
_NOTE = re.compile(r"^Note:", re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """A figure of the built book: its picture, as seen from the slides, and what is said of it."""

    picture: str
    alt: str
    number: str  #: such as Figure 1.2
    page: str  #: where it stands, as seen from the slides


def figures() -> dict[str, Figure]:
    """Return the figures of the built book by their labels."""
    found = {}
    for leaf in table_of_contents():
        path = HTML / f"{leaf.name}.html"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for one in BeautifulSoup(text, "html.parser").select("figure[id]"):
            image, number = one.select_one("img"), one.select_one(".caption-number")
            if image and number:
                found[str(one["id"])] = Figure(
                    f"../_images/{Path(str(image['src'])).name}",
                    str(image["alt"]),
                    number.get_text().strip(),
                    f"../{leaf.name}.html#{one['id']}",
                )
    return found


def deck(text: str, known: dict[str, Figure]) -> tuple[str, list[str]]:
    """Return the title of a text, and its slides as HTML.

    Raises
    ------
    ValueError
        If there is no such figure, a slide has no heading, or nothing for the speaker.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.use(dollarmath_plugin, renderer=_formula)
    slides = []
    for number, source in enumerate(re.split(r"^---$", text, flags=re.MULTILINE), 1):
        shown, *notes = _NOTE.split(source)
        heading = re.match(r"\s*##? (.+)", shown)
        if heading is None or len(notes) != 1 or not notes[0].strip():
            raise ValueError(
                f"slide {number}: expected a heading first, and one 'Note:' for the speaker, found "
                f"{source.strip()[:40]!r}"
            )
        body = _FIGURE.sub(_placed(known, number), shown)
        parts = re.split(r"(<figure>.*?</figure>)", body, flags=re.DOTALL)
        written = "".join(p if p.startswith("<figure>") else markdown.render(p) for p in parts)
        slides.append(
            f'<section>{written}<aside class="notes">{markdown.render(notes[0])}</aside></section>'
        )
    return re.match(r"\s*# (.+)", text)[1], slides  # type: ignore[index]


def _formula(tex: str, options: dict[str, bool]) -> str:
    tex = html.escape(tex.strip())
    return rf"\[{tex}\]" if options["display_mode"] else rf"\({tex}\)"


def _placed(known: dict[str, Figure], slide: int) -> Callable[[re.Match[str]], str]:
    """Return what puts a figure where its label stands."""

    def place(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise ValueError(f"slide {slide}: the built book has no figure {match[1]!r}")
        figure = known[match[1]]
        return (
            f'<figure><img src="{figure.picture}" alt="{html.escape(figure.alt)}">'
            f'<figcaption><a href="{figure.page}">{figure.number}</a></figcaption></figure>'
        )

    return place


def page(title: str, slides: list[str]) -> str:
    """Return a deck as a page of its own."""
    vendor = "../_static/vendor"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}: slides</title>
<link rel="stylesheet" href="{vendor}/reveal/reveal.css">
<link rel="stylesheet" href="{vendor}/reveal/white.css"
 media="not all and (prefers-color-scheme: dark)">
<link rel="stylesheet" href="{vendor}/reveal/black.css" media="(prefers-color-scheme: dark)">
<style>{Path(__file__).with_suffix(".css").read_text(encoding="utf-8")}</style>
</head><body><div class="reveal"><div class="slides">
{"".join(slides)}
</div></div>
<script>window.MathJax = {{ startup: {{ typeset: false }} }};</script>
<script src="{vendor}/mathjax/tex-mml-chtml.js"></script>
<script src="{vendor}/reveal/reveal.js"></script>
<script src="{vendor}/reveal/notes.js"></script>
<script>
MathJax.startup.promise.then(() => MathJax.typesetPromise()).then(() => {{
  Reveal.initialize({{ hash: true, slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
    width: 1280, height: 720 }});
}});
</script></body></html>
"""


def main() -> int:
    """Make all decks; return the exit status."""
    if not REVEAL.exists():
        raise SystemExit("the built book has no reveal.js; `make book` with npm puts it there")
    known = figures()
    for path in sorted(TEXTS.glob("*.md")):
        try:
            title, slides = deck(path.read_text(encoding="utf-8"), known)
        except ValueError as error:
            raise SystemExit(f"{path.relative_to(ROOT)}, {error}") from error
        target = FOLDER / f"{path.stem}.html"
        with files.atomic_write(target) as file:
            file.write(page(title, slides).encode())
        print(f"{target.relative_to(ROOT)}: {len(slides)} slides")
    return 0


if __name__ == "__main__":
    sys.exit(main())
