"""Links from docstrings to the bibliography: "He et al. 2015" becomes a citation on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pybtex.database import Entry, Person, parse_file
from pybtex.richtext import Text
from sphinx.application import Sphinx

BIBLIOGRAPHY = Path(__file__).parents[1] / "references.bib"

_NAME = r"(?:van\s+)?[A-Z][\w'-]*[^\W\d_A-Z][\w'-]*"
#: "He et al. 2015", "Kingma & Ba (2015)", "Lin, Chen and Yan 2014", over the end of a line, too.
_CITATION = re.compile(
    rf"(?P<first>{_NAME})(?:(?P<more>(?:,\s+{_NAME})*,?\s+(?:and|&)\s+{_NAME})|(?P<all>\s+et\s+al\.))?"
    r",?\s+(?P<bracket>\()?(?P<year>(?:19|20)\d\d)(?P<letter>[a-z])?\b(?P<close>(?(bracket)\)))?"
)
#: The indented lines after a paragraph that ends in "::". No role works there.
_LITERAL = re.compile(r"^( *)(\S.*::\n)((?:\1 +\S.*(?:\n|$)|\n)+)", re.MULTILINE)


def bibliography() -> Mapping[str, Entry]:
    """Return the entries of the bibliography by key."""
    return dict(parse_file(BIBLIOGRAPHY).entries)


@cache
def letters(latex: str) -> str:
    """Return a name with its accents as letters."""
    return str(Text.from_latex(latex))


def surname(person: Person) -> str:
    """Return the last name of a person, with van and the like."""
    return " ".join(map(letters, (*person.prelast_names, *person.last_names)))


def citations(
    text: str, entries: Mapping[str, Entry]
) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Find the citations of a text, and for each the keys that it may mean.

    Entries that look the same are told apart by a letter after the year, in the order of keys.
    """
    visible = _LITERAL.sub(lambda m: m[1] + m[2] + re.sub(r"\S", " ", m[3]), text)
    for match in _CITATION.finditer(visible):
        names = re.split(r",?\s+(?:and|&)\s+|,\s+", match["first"] + (match["more"] or ""))
        names = [re.sub(r"\s+", " ", name) for name in names]
        keys = []
        for key, entry in sorted(entries.items()):
            authors = [surname(person) for person in entry.persons.get("author", [])]
            same = authors[:1] == names and len(authors) > 2 if match["all"] else authors == names
            if same and entry.fields.get("year") == match["year"]:
                keys.append(key)
        if match["letter"]:
            place = ord(match["letter"]) - ord("a")
            keys = keys[place : place + 1]
        yield match, keys


def link(text: str, entries: Mapping[str, Entry]) -> str:
    """Return the text with a role in the place of each citation."""
    parts, end = [], 0
    for match, keys in citations(text, entries):
        if len(keys) == 1:
            role = "t" if match["close"] else "author" if match["bracket"] else "alp"
            parts += [text[end : match.start()], f":cite:{role}:`{keys[0]}`"]
            if role == "author":  # "He et al. (2015, section 3)"
                parts.append(f" (:cite:year:`{keys[0]}`")
            end = match.end()
    return "".join(parts) + text[end:]


def setup(app: Sphinx) -> dict[str, Any]:
    """Link the citations in what autodoc has read, before numpydoc sees it."""
    entries = bibliography()

    def process(*arguments: Any) -> None:
        lines = arguments[-1]
        lines[:] = link("\n".join(lines), entries).split("\n")

    app.connect("autodoc-process-docstring", process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
