"""The book on paper: what a page becomes, and what `make paper` has made, where it has."""

import json
import re
import unicodedata
import zipfile
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

for needed in ("bs4", "playwright", "pypdf"):
    pytest.importorskip(needed, reason=f"{needed} is not installed; `make test` installs it")

import epub
import leaves
import paper
from pypdf import PdfReader

SITE = "https://example.org/book"
QUIZ = {
    "question": "What does `f` give?",
    "choices": [{"text": "`1`", "because": "Yes.", "right": True}, {"text": "2", "because": "No."}],
}


def model(kind, title, data):
    state = {"kind": kind, "title": title, "data": data}
    return {"model_name": "AnyModel", "state": state}


STATE = {
    "state": {
        "a": model("iou", "Explorer: two boxes", {}),
        "b": model("quiz", "Question", QUIZ),
        "c": {"model_name": "HBoxModel", "state": {}},
    }
}


def view(name):
    kind = "application/vnd.jupyter.widget-view+json"
    return f'<script type="{kind}">{{"model_id": "{name}"}}</script>'


PAGE = f"""<html><head><link rel="canonical" href="{SITE}/book/1-a/one.html"></head><body>
<article class="bd-article"><section id="one"><h1>One<a class="headerlink" href="#one">#</a></h1>
<p>See <a href="../2-b/two.html#there">two</a>, <a href="../reference/nn.html#x">nn</a>,
<a href="#one">me</a>,
<a href="#explorer-layer">a layer</a>
and <span class="math">\\(n &lt; 1\\)</span>.</p>
{view("a")}{view("c")}{view("b")}
<details class="admonition hide above-input"><summary>Show</summary><pre>code</pre>
</details>
<details class="dropdown"><summary>Answer<span class="sd-summary-state-marker"><svg/></span>
</summary><p>42</p></details>
<img src="../../_images/dot.png" alt="A dot.">
</section></article>
<script type="application/vnd.jupyter.widget-state+json">{json.dumps(STATE)}</script>
</body></html>"""
CONFIG = {
    "title": "A <book>",
    "author": "We",
    "logo": "book/_static/logo.svg",
    "html": {"baseurl": f"{SITE}/", "extra_footer": "Free."},
}


@pytest.fixture
def page():
    """Return a page as it goes to paper."""
    page = leaves.Page(leaves.Leaf("book/1-a/one", "1. A"), PAGE)
    page.write_out(["file:///stills/0.png", "unused"])
    page.number_ids()
    two = leaves.Page(leaves.Leaf("book/2-b/two", ""), PAGE.replace('"one"', '"there"'))
    two.number_ids()
    page.link({page.address: page, f"{SITE}/book/2-b/two.html": two}, "file:///html")
    return page


def test_an_explorer_becomes_a_still_and_a_sentence(page):
    figure = page.article.select_one("figure.still")
    assert figure.img["src"] == "file:///stills/0.png"
    assert "two boxes" in figure.img["alt"]
    assert figure.figcaption.a["href"] == f"{SITE}/book/1-a/one.html#one"  # not in the PDF itself
    assert "example.org/book/book/1-a/one.html" in figure.figcaption.get_text()


def test_a_quiz_becomes_text_that_does_not_tell(page):
    quiz = page.article.select_one(".quiz")
    assert "What does f give?" in quiz.get_text()
    assert [item.get_text() for item in quiz.select("li")] == ["1", "2"]
    assert quiz.select_one("li code").get_text() == "1"
    assert "Yes." not in quiz.get_text()


def test_what_folds_is_unfolded_and_what_only_a_screen_has_is_gone(page):
    assert not page.article.select("details, summary, script, svg, .headerlink")
    text = page.article.get_text()
    assert "code" in text
    assert "42" in text
    assert "Show" not in text


def test_links_lead_to_leaves_or_to_the_site(page):
    two, nn, me, layer = page.article.select("p")[0].select("a")
    assert two["href"] == "#2-b-two--there"
    assert nn["href"] == f"{SITE}/book/reference/nn.html#x"
    assert me["href"] == "#1-a-one--one"
    assert layer["href"] == f"{SITE}/book/1-a/one.html#explorer-layer"  # of the site alone
    assert page.article.section["id"] == "1-a-one--one"


def test_a_page_that_is_not_built_is_named(tmp_path):
    with pytest.raises(SystemExit, match="book/1-a/one: this page is not built; `make book`"):
        leaves.read(leaves.Leaf("book/1-a/one", ""), tmp_path)


def test_the_document_has_parts_contents_and_lower_headings(page):
    text = paper.document(CONFIG, [page], {"1-a-one": "7"})
    assert "<title>A &lt;book&gt;</title>" in text
    assert '<section class="part" id="part-0"><h1>1. A</h1></section>' in text
    assert "<h2>One</h2>" in text
    assert '<a href="#1-a-one">7</a>' in text


def test_pages_of_the_book_are_those_of_the_contents_but_for_the_reference():
    names = [leaf.name for leaf in leaves.table_of_contents()]
    assert names[0] == "book/index"
    assert "book/bibliography" in names
    assert "book/notation" in names
    assert not [name for name in names if name.startswith("book/reference")]


def test_xhtml_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'T' is no XHTML"):
        epub.xhtml("T", "<p>")


def test_links_of_an_epub_name_its_files(page):
    epub.lead_to_files(page)
    two, nn, *_ = page.article.select("p")[0].select("a")
    assert two["href"] == "2-b-two.xhtml#2-b-two--there"
    assert nn["href"].startswith("https://")


# What `make paper` has made.


def made(kind):
    """Return what was made of the book as it is built."""
    path, built = paper.PAPER / f"{paper.NAME}.{kind}", leaves.HTML / "book" / "index.html"
    if not path.exists() or path.stat().st_mtime < built.stat().st_mtime:
        pytest.skip("the book as it is built is not on paper; `make paper` puts it there")
    return path


@pytest.fixture(scope="module")
def pdf():
    return PdfReader(made("pdf"))


@pytest.fixture(scope="module")
def archive():
    with zipfile.ZipFile(made("epub")) as archive:
        yield archive


def test_the_outline_of_the_pdf_is_that_of_the_book(pdf):
    first = [entry for entry in pdf.outline if not isinstance(entry, list)]
    parts = {leaf.part: None for leaf in leaves.table_of_contents() if leaf.part}
    titles = [entry["/Title"] for entry in first]
    assert [title for title in titles if title in parts] == list(parts)


def test_the_contents_of_the_pdf_say_where_pages_begin(pdf):
    text = "\n".join(pdf.pages[n].extract_text() for n in (1, 2))
    said = re.findall(r"^(.+) (\d+)$", unicodedata.normalize("NFKC", text), re.M)
    titles = {}

    def walk(entries):
        for entry in entries:
            if isinstance(entry, list):
                walk(entry)
            else:
                page = pdf.get_destination_page_number(entry) + 1
                titles.setdefault(entry["/Title"], []).append(page)

    walk(pdf.outline)
    assert len(said) > len(leaves.table_of_contents())
    for title, number in said:
        assert int(number) in titles[title], title


def test_pages_of_the_pdf_have_a_number_and_no_raw_formula(pdf):
    for number in range(1, len(pdf.pages) + 1, 12):
        text = pdf.pages[number - 1].extract_text()
        assert r"\frac" not in text
        assert number == 1 or len(text.split()) < 8 or re.search(rf"\b{number}\b", text)


def test_the_epub_is_an_epub(archive):
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert archive.read("mimetype") == b"application/epub+zip"
    container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
    root = container.find(".//{*}rootfile").get("full-path")
    book = ElementTree.fromstring(archive.read(root))
    listed = {item.get("id"): item for item in book.iter("{http://www.idpf.org/2007/opf}item")}
    inside = {f"book/{item.get('href')}" for item in listed.values()}
    assert inside | {"mimetype", "META-INF/container.xml", root} == set(archive.namelist())
    order = [item.get("idref") for item in book.iter("{http://www.idpf.org/2007/opf}itemref")]
    assert set(order) <= listed.keys()
    assert len(order) == len(set(order)) == len(leaves.table_of_contents()) + 2
    assert sum("nav" in item.get("properties", "") for item in listed.values()) == 1


def test_every_file_and_place_that_the_epub_names_is_there(archive):
    pages = {
        name: ElementTree.fromstring(archive.read(name))
        for name in archive.namelist()
        if name.endswith(".xhtml")
    }
    ids = {name: [e.get("id") for e in page.iter() if e.get("id")] for name, page in pages.items()}
    for name, page in pages.items():
        assert len(ids[name]) == len(set(ids[name])), name
        for element in page.iter():
            at = element.get("src") or element.get("href")
            if at is None or at.startswith(("http:", "https:", "mailto:")):
                continue
            path, _, place = unquote(at).partition("#")
            target = str(PurePosixPath("book") / path) if path else name
            assert target in archive.namelist(), (name, at)
            assert not place or place in ids[target], (name, at)


def test_pictures_of_the_epub_are_described_and_its_formulas_are_mathml(archive):
    for name in archive.namelist():
        if name.endswith(".xhtml"):
            page = ElementTree.fromstring(archive.read(name))
            bare = [e.get("src") for e in page.iter("{*}img") if e.get("alt") is None]
            assert not bare, name
            text = "".join(page.itertext())
            assert r"\(" not in text or name.endswith("grading.xhtml"), name
            assert not list(page.iter("{*}merror")), name
