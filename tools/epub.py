"""Write the pages of the book as an EPUB 3: XHTML with MathML, pictures, contents."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import press
from bs4 import BeautifulSoup
from leaves import HTML, ROOT, Page

import dlcourse
from dlcourse import files

#: Times in an archive are always the same, so that the same book is the same file.
WHEN = (2026, 1, 1, 0, 0, 0)
CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml"}


def write_epub(
    browser: Any, config: Mapping[str, Any], pages: Sequence[Page], path: Path, style: Path
) -> None:
    """Write an EPUB of pages that are written out.

    Parameters
    ----------
    browser : Browser
        Chromium, which translates formulas.
    config : mapping
        That of Jupyter Book.
    pages : sequence of Page
        Their links lead to other pages as ``#KEY--ID``; they are changed.
    path : Path
        Where it goes.
    style : Path
        The style sheet.
    """
    translate_formulas(browser, pages)
    content: dict[str, bytes] = {
        "book/style.css": style.read_bytes() + (HTML / "_static" / "pygments.css").read_bytes(),
    }
    for page in pages:
        keep_pictures(page, content)
        lead_to_files(page)
        content[f"book/{page.leaf.key}.xhtml"] = xhtml(page.title, page.article.decode_contents())
    logo = ROOT / config["logo"]
    content[f"book/images/cover{logo.suffix}"] = logo.read_bytes()
    content["book/title.xhtml"] = xhtml(config["title"], _front(config, logo.suffix))
    content["book/contents.xhtml"] = contents(pages)
    content["book/book.opf"] = package(config, pages, content)
    with (
        files.atomic_write(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        # Readers know the format by these first bytes, which are not compressed.
        archive.writestr(zipfile.ZipInfo("mimetype", WHEN), "application/epub+zip")
        archive.writestr(_entry("META-INF/container.xml"), CONTAINER)
        for name, data in content.items():
            archive.writestr(_entry(name), data)


def translate_formulas(browser: Any, pages: Sequence[Page]) -> None:
    """Put MathML in the place of TeX, which few readers of EPUB know."""
    found = [(one, *tex(one.get_text())) for page in pages for one in page.article.select(".math")]
    known = sorted({(formula, display) for _, formula, display in found if formula})
    with_mathjax = next(page.leaf for page in pages if page.article.select_one(".math"))
    translated = press.mathml(browser, known, HTML / f"{with_mathjax.name}.html")
    for one, formula, display in found:
        number = one.select_one(".eqno")
        fresh = BeautifulSoup(translated[known.index((formula, display))], "html.parser")
        one.clear()
        if number:
            one.append(number)
        one.append(fresh)


def tex(text: str) -> tuple[str, bool]:
    r"""Return the TeX of a formula as Sphinx has marked it, and whether it has a line of its own.

    Examples
    --------
    >>> tex(r"\(n + 1\)"), tex(r"(1.2)\[x\]")
    (('n + 1', False), ('x', True))
    """
    match = re.search(r"\\\[(.*)\\\]|\\\((.*)\\\)", text, re.DOTALL)
    if match is None:
        raise ValueError(rf"expected a formula between \( and \) or \[ and \], found {text!r}")
    return (match[1] if match[2] is None else match[2]).strip(), match[2] is None


def keep_pictures(page: Page, content: dict[str, bytes]) -> None:
    """Take the pictures of a page into the archive."""
    for one in page.article.find_all("img"):
        path = Path(unquote(urlsplit(str(one["src"])).path))
        one["src"] = f"images/{path.name}"
        content[f"book/images/{path.name}"] = path.read_bytes()


def lead_to_files(page: Page) -> None:
    """Lead links to the files of the archive."""
    for one in page.article.find_all("a", href=True):
        if str(one["href"]).startswith("#"):
            at = str(one["href"])[1:]
            key = at.partition("--")[0]
            one["href"] = f"{key}.xhtml#{at}" if "--" in at else f"{key}.xhtml"


def xhtml(title: str, body: str) -> bytes:
    """Return a page as XHTML.

    Raises
    ------
    ValueError
        If it is not well formed.
    """
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="en" xml:lang="en"><head><title>{html.escape(title)}</title>'
        f'<link rel="stylesheet" href="style.css"/></head><body>{body}</body></html>\n'
    )
    try:
        ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise ValueError(f"the page {title!r} is no XHTML: {error}") from error
    return text.encode()


def contents(pages: Sequence[Page]) -> bytes:
    """Return the navigation: parts, and the pages in them."""
    rows = []
    for part, group in groupby(pages, lambda page: page.leaf.part):
        items = [(page.leaf.key, html.escape(page.title)) for page in group]
        links = "".join(f'<li><a href="{key}.xhtml">{name}</a></li>' for key, name in items)
        rows.append(
            f'<li><a href="{items[0][0]}.xhtml">{html.escape(part)}</a><ol>{links}</ol></li>'
            if part
            else links
        )
    return xhtml(
        "Contents", f'<nav epub:type="toc"><h1>Contents</h1><ol>{"".join(rows)}</ol></nav>'
    )


def package(
    config: Mapping[str, Any], pages: Sequence[Page], content: Mapping[str, bytes]
) -> bytes:
    """Return the list of all that is in the archive, in the order to read it."""
    items = []
    for name in content:
        path = Path(name).relative_to("book")
        kind = {".css": "text/css", ".xhtml": "application/xhtml+xml"} | KINDS
        has = [
            "nav" if path.name == "contents.xhtml" else "",
            "mathml" if b"<math" in content[name] and path.suffix == ".xhtml" else "",
            "cover-image" if path.stem == "cover" else "",
        ]
        said = " ".join(filter(None, has))
        properties = f' properties="{said}"' if said else ""
        identifier = "i-" + re.sub(r"\W", "-", path.as_posix())
        items.append(
            f'<item id="{identifier}" href="{path.as_posix()}" media-type="{kind[path.suffix]}"'
            f"{properties}/>"
        )
    order = ["title", "contents", *(page.leaf.key for page in pages)]
    spine = "".join(
        f'<itemref idref="i-{re.sub(chr(92) + "W", "-", key)}-xhtml"/>' for key in order
    )
    address = config["html"]["baseurl"]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">{address}</dc:identifier>
<dc:title>{html.escape(config["title"])}</dc:title>
<dc:creator>{html.escape(config["author"])}</dc:creator>
<dc:language>en</dc:language>
<dc:rights>{html.escape(config["html"]["extra_footer"])}</dc:rights>
<meta property="dcterms:modified">{WHEN[0]}-01-01T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
</metadata>
<manifest>{"".join(items)}</manifest>
<spine>{spine}</spine>
</package>
""".encode()


def _front(config: Mapping[str, Any], suffix: str) -> str:
    return (
        f'<div class="front"><img src="images/cover{suffix}" alt=""/>'
        f'<p class="title">{html.escape(config["title"])}</p>'
        f'<p class="author">{html.escape(config["author"])}</p>'
        f'<p class="edition">dlcourse {dlcourse.__version__}, from '
        f'<a href="{config["html"]["baseurl"]}">{config["html"]["baseurl"]}</a></p></div>'
    )


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
