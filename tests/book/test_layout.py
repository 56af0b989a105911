"""How the pages are laid out: lines of code fit their column, figures have captions and numbers."""

import re
from collections import Counter
from functools import cache

import pytest

twins = pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")
import definitions
import jupytext

PAGES = list(twins.pages(twins.ROOT))
#: Characters of a line of code that fit the column in a window 1280 px wide (custom.css). What
#: cells print is measured in test_pages.py.
COLUMN = 84


@cache
def cells(page):
    return jupytext.read(page).cells


def figures(page):
    """For each cell that draws a picture, what its head says of the figure; None for nothing."""
    heads = [cell.metadata.get("mystnb", {}) for cell in cells(page)]
    return [head.get("figure") for head in heads if "image" in head]


def seen(cell):
    return not {"remove-cell", "remove-input"} & {*cell.metadata.get("tags", ())}


def blocks(page):
    """The code that a page shows: cells, and what stands between fences in the prose."""
    for cell in cells(page):
        if cell.cell_type == "code":
            if seen(cell):
                yield cell.source
        else:
            yield from re.findall(r"^```(?:\w+)\n(.*?)^```$", cell.source, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_lines_of_code_fit_the_column(page):
    long = [line for block in blocks(page) for line in block.splitlines() if len(line) > COLUMN]
    assert not long, f"more than {COLUMN} characters; break them: {long}"


def test_methods_that_are_shown_fit_the_column():
    names = [name for page in PAGES for name in re.findall(r"\{source\} (\S+)", page.read_text())]
    assert len(names) >= 5
    for name in names:
        long = [line for line in definitions.listing(name).code.splitlines() if len(line) > COLUMN]
        assert not long, f"{name}: more than {COLUMN} characters; break them: {long}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_figures_have_captions_and_the_text_refers_to_them(page):
    text = page.read_text()
    for figure in figures(page):
        assert figure, "a cell with mystnb: image has no mystnb: figure with caption and name"
        assert figure["caption"].endswith("."), figure
        assert re.fullmatch(r"fig(-[a-z0-9]+)+", figure["name"]), figure
        assert f"{{numref}}`{figure['name']}`" in text, f"the text does not name {figure['name']}"


def test_names_of_figures_are_one_of_a_kind():
    names = Counter(figure["name"] for page in PAGES for figure in figures(page))
    assert names.total() > 100
    assert not [name for name, count in names.items() if count > 1]


def test_figures_and_listings_are_numbered_by_chapter(visit):
    page = visit.open("book/2-history/resnet.html")
    figures = page.locator("main figure .caption-number").all_inner_texts()
    numbers = [re.fullmatch(r"Figure 2\.(\d+)\s*", text)[1] for text in figures]
    assert numbers == [str(int(numbers[0]) + k) for k in range(len(numbers))]
    listings = page.locator("main .code-block-caption .caption-number").all_inner_texts()
    numbers = [re.fullmatch(r"Listing 2\.(\d+)\s*", text)[1] for text in listings]
    assert numbers == [str(int(numbers[0]) + k) for k in range(len(numbers))]
    references = page.locator("main p a.reference .std-numref").all_inner_texts()
    assert {f"Figure 2.{number}" for number in numbers} <= {*references}

    page = visit.open("book/1-deeper/towards-deeper.html")
    assert page.locator("main figure .caption-number").first.inner_text().strip() == "Figure 1.1"
