"""The pages of the built book as leaves of a book on paper: what a browser would do is written out.

A leaf is a page's article without what only a screen has. An explorer becomes a still and a
sentence that says where it lives, a quiz its question and its choices, folded text is unfolded, and
links lead to other leaves, or to the site where a page is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import yaml
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
#: The reference would double the book, and how long pages ran is of the site alone.
LEFT_OUT = ("book/reference/", "book/execution")
_VIEW = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
#: Of screens alone: marks to point at, arrows of what folds, remarks on folding.
_SCREEN = (
    "a.headerlink, button, details.admonition > summary, script, .sd-summary-state-marker, "
    ".d-print-none, #searchbox"
)


@dataclass(frozen=True)
class Leaf:
    """A page of the book.

    Attributes
    ----------
    name : str
        As in the table of contents, such as ``book/3-speed/gpu``.
    part : str
        The heading of its part; empty where it has none.
    """

    name: str
    part: str

    @property
    def key(self) -> str:
        """What the ids of the page begin with.

        Examples
        --------
        >>> Leaf("book/3-speed/gpu", "3. Making it fast").key
        '3-speed-gpu'
        """
        return self.name.removeprefix("book/").replace("/", "-")


def leaves(contents: dict[str, Any]) -> list[Leaf]:
    """Return the pages that a table of contents puts on paper, in order.

    Examples
    --------
    >>> chapters = [{"file": "book/a"}, {"file": "book/reference/index"}]
    >>> leaves({"root": "book/index", "parts": [{"caption": "A", "chapters": chapters}]})
    [Leaf(name='book/index', part=''), Leaf(name='book/a', part='A')]
    """

    def below(entries: list[dict[str, Any]], part: str) -> Iterator[Leaf]:
        for entry in entries:
            name = entry["file"].removesuffix(".md")
            if not name.startswith(LEFT_OUT):
                yield Leaf(name, part)
            yield from below(entry.get("sections", []), part)

    found = [Leaf(contents["root"], "")]
    for part in contents["parts"]:
        found += below(part["chapters"], part.get("caption", ""))
    return found


def table_of_contents() -> list[Leaf]:
    """Return the pages of this book that are put on paper."""
    return leaves(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Explorer:
    """An explorer or a quiz of a page."""

    kind: str
    title: str
    data: dict[str, Any]


class Page:
    """The article of a built page, to be taken to paper.

    Parameters
    ----------
    leaf : Leaf
        Which page.
    text : str
        The page, as Sphinx has written it.
    """

    def __init__(self, leaf: Leaf, text: str) -> None:
        self.leaf = leaf
        soup = BeautifulSoup(text, "html.parser")
        article = soup.select_one("article.bd-article")
        canonical = soup.select_one("link[rel=canonical]")
        if article is None or canonical is None:
            raise ValueError(
                f"expected a page of the built book as {leaf.name}, found no article with an "
                "address in it; `make book` builds it"
            )
        self.article = article
        self.ids: set[str] = set()  #: after `number_ids`
        self.address = str(canonical["href"])  #: where the page lives on the web
        self.title = article.select_one("h1").get_text().removesuffix("#")  # type: ignore[union-attr]
        models: dict[str, Any] = {}
        for script in soup.find_all("script", type=_STATE):
            models |= json.loads(script.get_text())["state"]
        #: Where each explorer stands, in order.
        self.explorers: list[tuple[Tag, Explorer]] = []
        for script in article.find_all("script", type=_VIEW):
            model = models[json.loads(script.get_text())["model_id"]]
            if model["model_name"] == "AnyModel":  # the others are bars of progress
                state = model["state"]
                one = Explorer(state["kind"], state["title"], state["data"])
                self.explorers.append((script, one))

    def write_out(self, stills: Sequence[str]) -> None:
        """Put what paper can show in the place of what it cannot.

        Parameters
        ----------
        stills : sequence of str
            The addresses of the pictures of its explorers, in order.
        """
        for number, (script, explorer) in enumerate(self.explorers):
            section = script.find_parent("section")
            at = f"{self.address}#{section['id']}" if section else self.address
            new = (
                asked(explorer, at)
                if explorer.kind == "quiz"
                else shown(explorer, stills[number], at)
            )
            script.replace_with(new)
        for one in self.article.select(_SCREEN):
            one.decompose()
        for one in self.article.find_all("details"):
            one.name = "div"
            one.attrs.pop("open", None)
        for one in self.article.find_all("summary"):
            one.name = "p"
        for one in self.article.select(".above-input, .below-input"):
            one["class"] = "unfolded"

    def number_ids(self) -> None:
        """Make the ids of the page its own among those of all pages."""
        for one in self.article.find_all(id=True):
            one["id"] = f"{self.leaf.key}--{one['id']}"
            self.ids.add(str(one["id"]))

    def link(self, pages: Mapping[str, Page], folder: str) -> None:
        """Lead links to other leaves, or to the site, and name pictures in full.

        Parameters
        ----------
        pages : mapping
            All leaves by their addresses on the site, with their ids numbered. A link to a leaf
            becomes ``#KEY``, or ``#KEY--ID`` with an id there. What only the site has, such as a
            layer of an explorer, is linked there.
        folder : str
            The address of the folder of the built book.
        """
        for one in self.article.select("a[href]:not(.live > a)"):
            page, fragment = urldefrag(urljoin(self.address, str(one["href"])))
            here = f"{pages[page].leaf.key}--{fragment}" if page in pages and fragment else ""
            if here and here in pages[page].ids:
                one["href"] = f"#{here}"
            elif page in pages and not fragment:
                one["href"] = f"#{pages[page].leaf.key}"
            else:
                one["href"] = f"{page}#{fragment}" if fragment else page
        for one in self.article.find_all("img"):
            one["src"] = urljoin(f"{folder}/{self.leaf.name}.html", str(one["src"]))


def asked(quiz: Explorer, address: str) -> Tag:
    """Return a quiz as text: the question, its choices, and where it tells what is right."""
    soup = BeautifulSoup('<div class="quiz"></div>', "html.parser")
    box = soup.div
    assert box is not None
    box.append(_paragraph(soup, f"Question. {quiz.data['question']}"))
    choices = soup.new_tag("ol", attrs={"type": "a"})
    for choice in quiz.data["choices"]:
        item = soup.new_tag("li")
        _spell(soup, item, choice["text"])
        choices.append(item)
    box.append(choices)
    box.append(_told(soup, "Choose one, and read why it is right or not, at ", address))
    return box


def shown(explorer: Explorer, still: str, address: str) -> Tag:
    """Return an explorer as a still with a sentence."""
    soup = BeautifulSoup('<figure class="still"></figure>', "html.parser")
    figure = soup.figure
    assert figure is not None
    name = explorer.title.removeprefix("Explorer: ")
    alt = f"A still of the explorer “{name}”, as it stands before the reader has touched it."
    figure.append(soup.new_tag("img", attrs={"src": still, "alt": alt}))
    caption = soup.new_tag("figcaption")
    caption.append(_told(soup, f"Explorer “{name}”. It reacts to mouse and keyboard at ", address))
    figure.append(caption)
    return figure


def _paragraph(soup: BeautifulSoup, text: str) -> Tag:
    paragraph = soup.new_tag("p")
    _spell(soup, paragraph, text)
    return paragraph


def _spell(soup: BeautifulSoup, into: Tag, text: str) -> None:
    """Write a text of a quiz, in which `backticks` make code."""
    for number, part in enumerate(text.split("`")):
        if number % 2:
            code = soup.new_tag("code")
            code.string = part
            into.append(code)
        else:
            into.append(part)


def _told(soup: BeautifulSoup, words: str, address: str) -> Tag:
    """Return a sentence that ends with an address, which is written out for those on paper."""
    paragraph = soup.new_tag("p", attrs={"class": "live"})
    paragraph.append(words)
    link = soup.new_tag("a", attrs={"href": address})
    link.string = address.split("#")[0].removeprefix("https://")
    paragraph.append(link)
    paragraph.append(".")
    return paragraph


def read(leaf: Leaf, html: Path = HTML) -> Page:
    """Return a page of the built book."""
    path = html / f"{leaf.name}.html"
    if not path.exists():
        raise SystemExit(f"{leaf.name}: this page is not built; `make book` builds it")
    return Page(leaf, path.read_text(encoding="utf-8"))
