"""What people wrote does nothing where it is shown."""

import csv
import io

import pytest

pytest.importorskip("nh3", reason="nh3 is not installed; `make grading` installs it")

import bs4
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters import markdown2html

from dlcourse.grading.inert import LONGEST, cell, inert, to_html

#: What texts that run something are made of.
PIECES = [
    *("<", ">", "</", "<!--", "-->", "<![CDATA[", "]]>", "&lt;", "&#60;", "\\<", "\\", '"', "'"),
    *("script", "<script>", "</script>", "<svg/onload=a()>", "<img src=x onerror=a()>", "<iframe "),
    *("[a]", "[", "](", "]:", "(", ")", "!", "![", "][", "<javascript:a()>", "javascript:a()"),
    *("java\tscript:", "data:text/html,", "jav&#x61;script:", "https://a.b", "attachment:a.png"),
    *("$", "$$", "\\text{", "}", "\\begin{align}", "\\end{align}", "\\href{", "`", "```", "~~~"),
    *("\n", "\n\n", "\n    ", " ", "a", "1", "*", "_", "# ", "> ", "- ", "|", "\n|-|\n", "\0"),
    *(
        "<style>",
        "<math>",
        "<mtext>",
        "<title>",
        "<textarea>",
        "</textarea>",
        "<noscript>",
        "=",
        "/",
    ),
]
HARMLESS = {"title", "id", "class", "alt", "start", "align", "rel", "type", "checked"}
TAGS = """a blockquote br code dd del dl dt em h1 h2 h3 h4 h5 h6 hr input li ol p pre strong table
tbody td th thead tr ul div span section"""

texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def running(page):
    """Return what in a page might run or fetch something."""
    for tag in bs4.BeautifulSoup(f"<div>{page}</div>", "html.parser").find_all(True):
        for name, value in tag.attrs.items():
            # nbconvert gives every heading a link to itself.
            if name not in HARMLESS and not (name == "href" and value.startswith("#")):
                yield f"{tag.name} has {name}"
        if tag.name not in TAGS.split():
            yield tag.name


@settings(max_examples=400, deadline=None)
@given(texts)
def test_nothing_is_left_that_nbconvert_would_show_as_html(text):
    assert not list(running(markdown2html(inert(text))))


@settings(max_examples=400, deadline=None)
@given(texts)
def test_html_is_clean(text):
    more = {"b", "i", "u", "s", "sub", "sup", "details", "summary", "kbd"}
    found = set(running(to_html(text))) - more
    assert all(one.startswith("m") for one in found), found  # MathML


@given(texts)
def test_inert_text_stays_as_it_is(text):
    once = inert(text)
    assert inert(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "Loss falls: $\\hat y_i < 1$, $a \\le b$; 1 < 2 << 3 <= 4, x <- y, `if a < b:`",
        "- *one*\n- **two**\n\n> quoted `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "[1] a footnote, [x] done; f(x)[0] and a[i][j], a ratio of 1:2",
    ],
)
def test_an_honest_answer_reads_as_it_was_written(text):
    assert inert(text) == text


def test_a_link_is_an_address_to_read():
    text = "[Kingma 2015](https://arxiv.org/abs/1412.6980), <https://a.b> and https://c.d"
    assert to_html(text) == (
        "<p>Kingma 2015 (https://arxiv.org/abs/1412.6980), https://a.b and https://c.d</p>\n"
    )
    assert "href" not in markdown2html(inert(text))


def test_a_formula_becomes_mathml_and_a_wrong_one_stays_readable():
    assert "<mfrac>" in to_html("$$\\frac{a}{b}$$")
    assert "x^2^3" in to_html("$x^2^3$")
    assert "script" not in to_html("$\\text{<script>a()</script>}$")


def test_an_endless_answer_is_cut():
    text = "word " * LONGEST
    assert len(inert(text)) < LONGEST + 50
    assert "(cut here)" in to_html(text)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uff1d1"])
def test_no_cell_is_a_formula(text):
    file = io.StringIO()
    csv.writer(file).writerow([cell(text)])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline="")))[0].startswith("'")


def test_marks_stay_numbers():
    assert [cell(v) for v in (92.0, -0.5, 7, None, "ann")] == ["92", "-0.5", "7", "", "ann"]
