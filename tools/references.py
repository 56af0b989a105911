"""Check the bibliography: every entry complete and in one form, every citation an entry.

    python tools/references.py

Pages cite by key. Docstrings cite by name and year, as in "He et al. 2015", and the book turns
that into links (`book/_ext/sources.py`).
"""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from pybtex.database import Entry, Person

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import sources  # noqa: E402

#: What each kind of entry needs.
FIELDS = {
    "article": ("author", "title", "journal", "year"),
    "book": ("author", "title", "publisher", "year"),
    "incollection": ("author", "title", "booktitle", "publisher", "pages", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "manual": ("author", "title", "note", "year"),  # the note has its number and version
    "misc": ("author", "title", "year"),
    "phdthesis": ("author", "title", "school", "year"),
    "techreport": ("author", "title", "institution", "year"),
}
#: Up to this many authors are all named; of more, the first five and "others".
MOST_AUTHORS = 12
FIRST_AUTHORS = 5

_CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
_COMMENT = re.compile(r"(?:^ *#:.*\n)+", re.MULTILINE)


def plain(text: str) -> str:
    """Return letters and digits of a text, without accents and in lower case."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if c.isalnum())


def incomplete(entry: Entry) -> Iterator[str]:
    """Say what an entry lacks."""
    fields = entry.fields
    if entry.type not in FIELDS:
        yield f"expected one of {', '.join(FIELDS)}, found @{entry.type}"
        return
    for name in FIELDS[entry.type]:
        if not (entry.persons.get("author") if name == "author" else fields.get(name)):
            yield f"has no {name}"
    if not {"doi", "eprint", "url"} & set(fields):
        # Old books and reports are found by publisher and number.
        if entry.type != "book" and not (entry.type == "techreport" and "number" in fields):
            yield "has no doi, no arXiv number (eprint) and no url"
    elif entry.type in ("article", "inproceedings") and not {"pages", "eprint", "url"} & set(
        fields
    ):
        yield "has no pages, no arXiv number (eprint) and no url"
    if entry.type == "article" and "pages" in fields and "volume" not in fields:
        yield "has pages and no volume"


def out_of_form(key: str, entry: Entry) -> Iterator[str]:
    """Say which fields of an entry are not written like those of the others."""
    fields = entry.fields
    if not re.fullmatch(rf"[a-z]+{fields.get('year')}[a-z0-9]+", key):
        yield "is not named after an author, its year and a word of the title"
    if not re.fullmatch(r"[\w:]+(--[\w:]+)?", fields.get("pages", "1")):
        yield f"pages have the form 1--9, found {fields['pages']}"
    if not fields.get("doi", "10.").startswith("10."):
        yield f"a doi begins with 10., found {fields['doi']}"
    if not re.fullmatch(r"\d{4}\.\d{4,5}", fields.get("eprint", "1234.5678")):
        yield f"an eprint is an arXiv number, found {fields['eprint']}"
    if ("eprint" in fields) != (fields.get("archiveprefix") == "arXiv"):
        yield "eprint and archiveprefix = {arXiv} go together"
    for name in ("url", "note", "journal", "howpublished"):
        if "arxiv" in fields.get(name, "").lower():
            yield f"an arXiv number goes into eprint, found it in {name}"
    people = entry.persons.get("author", [])
    named = [person for person in people if str(person) != "others"]
    if len(named) != len(people):
        if len(named) != FIRST_AUTHORS:
            yield f"names {len(named)} authors before the others, not {FIRST_AUTHORS}"
    elif len(named) > MOST_AUTHORS:
        yield f"has {len(named)} authors: name {FIRST_AUTHORS} and others"
    for person in named:
        if not person.first_names and "{" not in str(person):
            yield f"an author is written as Last, First, found {person}"


def one_person(a: Person, b: Person) -> bool:
    """Return whether two names spelled differently can belong to one person."""
    if str(a) == str(b) or plain(sources.surname(a)) != plain(sources.surname(b)):
        return False
    return all(
        _shortens(x, y) or _shortens(y, x)
        for x, y in zip(map(plain, given(a)), map(plain, given(b)), strict=False)
    )


def _shortens(short: str, name: str) -> bool:
    """Return whether a name may stand for another: Chris and C do for Christopher, Xi is whole."""
    return name.startswith(short) and (short == name or len(short) != 2)


def given(person: Person) -> list[str]:
    """Return the first names and initials."""
    return [sources.letters(name) for name in (*person.first_names, *person.middle_names)]


def doubles(entries: Mapping[str, Entry]) -> Iterator[str]:
    """Name what occurs twice: works, and spellings of one person."""
    for name in ("title", "doi", "eprint", "url"):
        found = defaultdict(list)
        for key, entry in entries.items():
            if name in entry.fields:
                found[plain(entry.fields[name])].append(key)
        for keys in found.values():
            if len(keys) > 1:
                yield f"{' and '.join(keys)} have the same {name}"
    people = {str(p): p for entry in entries.values() for p in entry.persons.get("author", [])}
    for a, b in combinations(people.values(), 2):
        if one_person(a, b):
            yield f"one person is spelled {a} and {b}"


def docstrings(path: Path) -> Iterator[str]:
    """Return what the book's reference can show of a file: docstrings and ``#:`` comments."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""
    for block in _COMMENT.findall(text):
        yield "\n".join(line.strip()[3:] for line in block.splitlines())


def wrongly_cited(entries: Mapping[str, Entry], root: Path) -> Iterator[str]:
    """Name citations without an entry, and entries that nothing cites."""
    cited = set()
    for path in sorted((root / "book").rglob("*.md")):
        for keys in _CITE.findall(path.read_text(encoding="utf-8")):
            for key in re.split(r",\s*", keys):
                cited.add(key)
                if key not in entries:
                    yield f"{path.relative_to(root)} cites {key}, which has no entry"
    for path in sorted((root / "src" / "dlcourse").rglob("*.py")):
        for text in docstrings(path):
            for match, keys in sources.citations(text, entries):
                cited.update(keys)
                if len(keys) != 1:
                    words = " ".join(match[0].split())
                    what = f"may mean {' or '.join(keys)}: add a letter" if keys else "has no entry"
                    yield f"{path.relative_to(root)}: {words!r} {what}"
    for key in entries:
        if key not in cited:
            yield f"{key} is cited nowhere"


def problems(entries: Mapping[str, Entry], root: Path = ROOT) -> list[str]:
    """Return a sentence for everything that is wrong with the bibliography."""
    found = []
    for key, entry in entries.items():
        found += [f"{key} {what}" for what in incomplete(entry)]
        found += [f"{key}: {what}" for what in out_of_form(key, entry)]
    return [*found, *doubles(entries), *wrongly_cited(entries, root)]


def main() -> None:
    """Print what is wrong, and fail if anything is."""
    entries = sources.bibliography()
    found = problems(entries)
    print("\n".join(found) or f"{len(entries)} entries, all complete, in one form and cited")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
