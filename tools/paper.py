"""Put the built book on paper: a PDF and an EPUB, in _build/paper.

    python tools/paper.py

Both are made from the pages of `make book`, with what their cells have printed; no page runs again.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import press
import yaml
from epub import write_epub
from leaves import HTML, ROOT, Page, read, table_of_contents
from pypdf import PdfReader

import dlcourse
from dlcourse import files

PAPER = ROOT / "_build" / "paper"
STYLE = Path(__file__).with_suffix(".css")
NAME = "deep-networks-from-scratch"
STATIC = HTML / "_static"
MATHJAX = STATIC / "vendor" / "mathjax" / "tex-mml-chtml.js"
#: What stands in the contents until the pages are counted; as wide as most numbers.
UNKNOWN = "000"
#: As in the pages: only what Sphinx has marked is a formula.
SETTING = {
    "options": {"processHtmlClass": "math", "ignoreHtmlClass": "book"},
    "chtml": {"scale": 0.95},
}


def main() -> int:
    """Write both; return the exit status."""
    if not MATHJAX.exists():
        raise SystemExit(
            "there is no MathJax in the built book; `make book` with npm puts it there"
        )
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    PAPER.mkdir(parents=True, exist_ok=True)
    pages = [read(leaf) for leaf in table_of_contents()]
    addresses = {page.address: page for page in pages}
    with press.browser() as browser:
        pictures = press.stills(browser, pages, PAPER / "stills")
        for page in pages:
            page.write_out([path.as_uri() for path in pictures[page.leaf.key]])
            page.number_ids()
        for page in pages:
            page.link(addresses, HTML.as_uri())
        made = [PAPER / f"{NAME}.pdf", PAPER / f"{NAME}.epub"]
        print_book(browser, config, pages, made[0])
        write_epub(browser, config, pages, made[1], STYLE)
    for path in made:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def print_book(browser: Any, config: Mapping[str, Any], pages: Sequence[Page], path: Path) -> None:
    """Print the pages as one PDF: twice, since only then the contents know their numbers."""
    source, scratch = path.with_suffix(".html"), path.with_suffix(".part")
    numbers: dict[str, str] = {}
    for _ in range(2):
        with files.atomic_write(source) as file:
            file.write(document(config, pages, numbers).encode())
        press.pdf(browser, source, scratch)
        reader = PdfReader(scratch)
        for name, at in reader.named_destinations.items():
            page = reader.get_destination_page_number(at)
            if page is not None:
                numbers[name.removeprefix("/")] = str(page + 1)
    scratch.replace(path)


def document(config: Mapping[str, Any], pages: Sequence[Page], numbers: Mapping[str, str]) -> str:
    """Return the whole book as one page of HTML.

    Parameters
    ----------
    config : mapping
        That of Jupyter Book: title, author, licence.
    pages : sequence of Page
        As they are written out.
    numbers : mapping
        On which sheet of paper a part or a page begins, by its key.
    """
    title = html.escape(config["title"])
    body: list[str] = []
    rows: list[str] = []
    rules: list[str] = []
    for part, group in groupby(pages, lambda page: page.leaf.part):
        if part:
            key, name = f"part-{len(rows)}", html.escape(part)
            body.append(f'<section class="part" id="{key}"><h1>{name}</h1></section>')
            rows.append(_row("of-part", key, name, numbers))
        for page in group:
            key, name = page.leaf.key, html.escape(page.title)
            body.append(f'<div class="leaf" id="{key}">{lowered(page.article, bool(part))}</div>')
            rows.append(_row("within" if part else "of-part", key, name, numbers))
            running = json.dumps(
                f"{part}: {page.title}" if part else page.title, ensure_ascii=False
            )
            rules.append(
                f"#{_css(key)} {{ page: p-{key} }} @page p-{key} {{ @top-center {{ content: "
                f'{running}; font-family: "Liberation Sans", "DejaVu Sans", sans-serif; '
                f"font-size: 7.5pt; color: #444 }} }}"
            )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="{(STATIC / "pygments.css").as_uri()}">
<link rel="stylesheet" href="{STYLE.as_uri()}">
<style>{"".join(rules)}</style>
<script>window.MathJax = {json.dumps(SETTING)}</script>
<script defer src="{MATHJAX.as_uri()}"></script></head>
<body class="book">
<section class="front">
<img src="{(ROOT / config["logo"]).as_uri()}" alt="">
<p class="title">{title}</p>
<p class="author">{html.escape(config["author"])}</p>
<p class="edition">{edition(config)}</p>
</section>
<nav class="contents"><h2>Contents</h2><ol>{"".join(rows)}</ol></nav>
{"".join(body)}
</body></html>
"""


def edition(config: Mapping[str, Any]) -> str:
    """Return what a reader should know of this copy, as HTML."""
    address = config["html"]["baseurl"]
    return (
        f"dlcourse {dlcourse.__version__}. Where a page of the site reacts to the reader, this "
        "copy has a picture and an address. The site has the reference of the package as well: "
        f'<a href="{address}">{address.removeprefix("https://")}</a><br>'
        f"{html.escape(config['html']['extra_footer'])}"
    )


def lowered(article: Any, below_part: bool) -> str:
    """Return an article's HTML, its headings one level down if a part stands above them."""
    text: str = article.decode_contents()
    if not below_part:
        return text
    return re.sub(r"(</?h)([1-5])\b", lambda m: f"{m[1]}{int(m[2]) + 1}", text)


def _row(kind: str, key: str, name: str, numbers: Mapping[str, str]) -> str:
    number = numbers.get(key, UNKNOWN)
    return (
        f'<li class="{kind}"><a href="#{key}">{name}</a><span class="dots"></span>'
        f'<a href="#{key}">{number}</a></li>'
    )


def _css(key: str) -> str:
    """Return a key as a selector: one may begin with a digit."""
    return f"\\3{key[0]} {key[1:]}" if key[0].isdigit() else key


if __name__ == "__main__":
    sys.exit(main())
