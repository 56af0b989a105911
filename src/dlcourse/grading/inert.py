"""What other people wrote, made harmless for the program that shows it.

A learner's answer in words is opened by the teacher, in a browser that may be logged in to Jupyter,
and a name is opened in a spreadsheet. Neither may run anything there.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

import nh3
from latex2mathml.converter import convert
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

#: The most characters of an answer that are shown, and of a formula that is set as one.
LONGEST = 20_000
_LONGEST_FORMULA = 2_000

#: What may begin a tag (anything but a comparison), and what makes images and links.
_PARTED = (
    (re.compile(r"<(?![\s\d=<(-]|$)"), "< "),
    (re.compile(r"!(?=\[)"), "! "),
    (re.compile(r"\](?=[(:])"), "] "),
    (re.compile(r"(?<=[A-Za-z]):(?=//)"), ": "),
)

_HTML = """b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre s
span strong sub summary sup table tbody td th thead tr u ul"""
_MATHML = """math mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle
msub msubsup msup mtable mtd mtext mtr munder munderover"""
_ATTRIBUTES = {
    "math": {"display"},
    "mo": {"accent", "fence", "form", "maxsize", "minsize", "stretchy"},
    "mover": {"accent"},
    "munder": {"accentunder"},
    "mspace": {"width"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtable": {"columnalign"},
    "mtd": {"columnalign"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}


def inert(markdown: str) -> str:
    r"""Return Markdown in which no HTML, no image and no link is left to be found.

    For notebooks that other programs show. It changes little: a space parts what would begin a tag
    or a link, so that text is still readable and formulas keep their meaning. Links are parted
    because a server on the teacher's machine may run what an address holds.

    Parameters
    ----------
    markdown : str
        The source of a Markdown cell. Of a very long one, the beginning is kept.

    Examples
    --------
    >>> inert("As $a<b$, *the* [paper](https://arxiv.org/abs/1412.6980) holds <img src=x>")
    'As $a< b$, *the* [paper] (https: //arxiv.org/abs/1412.6980) holds < img src=x>'
    >>> inert("[here](javascript:alert(1)) ![](seen.png) 1 < 2 <= 3")
    '[here] (javascript:alert(1)) ! [] (seen.png) 1 < 2 <= 3'
    """
    markdown = _beginning(markdown)
    for pattern, text in _PARTED:
        markdown = pattern.sub(text, markdown)
    return markdown


def to_html(markdown: str) -> str:
    r"""Return Markdown as HTML that runs, fetches and links nothing, its formulas as MathML.

    ``nbgrader_config.py`` gives this to nbgrader in place of nbconvert's own filter, so that the
    formgrader and the pages of ``nbgrader generate_feedback`` show answers and comments by it.

    Parameters
    ----------
    markdown : str
        What a learner or a teacher wrote. Of a very long text, the beginning is shown.

    Examples
    --------
    >>> print(to_html("*Small* <b>steps</b><script>alert(1)</script>").strip())
    <p><em>Small</em> <b>steps</b></p>
    >>> to_html("$x^2$")
    '<p><math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math></p>\n'
    """
    markdown = _beginning(markdown)
    try:
        raw = MarkdownWithMath(renderer=_Renderer()).render(markdown)
    except Exception:  # whatever a text made for it may raise in a parser of Markdown
        raw = f"<pre>{html.escape(markdown)}</pre>"
    return nh3.clean(raw, tags={*_HTML.split(), *_MATHML.split()}, attributes=_ATTRIBUTES)


def cell(value: object) -> str:
    """Return a value as text for a CSV file that no spreadsheet takes for a formula.

    Examples
    --------
    >>> cell("=HYPERLINK(...)"), cell("Ann"), cell(-1.5), cell(None)
    ("'=HYPERLINK(...)", 'Ann', '-1.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return f"{value:g}"
    text = str(value)
    # Spreadsheets look past white space, and take the full-width forms of these signs as well.
    seen = unicodedata.normalize("NFKC", text).lstrip()
    return f"'{text}" if seen.startswith(("=", "+", "-", "@")) else text


def strange(name: str) -> str:
    """Return what a student's name has in it that a page of nbgrader or a spreadsheet obeys.

    Examples
    --------
    >>> strange("Zoë O'Neil-Łęcka 李"), strange("<script>"), strange("=1+1")
    ('', "'<'", "'=' at its beginning")
    """
    for sign in name:
        if sign in '<>"\\' or not sign.isprintable():
            return repr(sign)
    return "" if cell(name) == name else f"{name.strip()[:1]!r} at its beginning"


def _beginning(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n\n(cut here)"


class Names(Preprocessor):
    """Escapes the names that nbgrader's formgrader puts into its page, for `nbgrader_config.py`."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Return the notebook as it is."""
        for name in ("student", "first_name", "last_name", "notebook_path"):
            if isinstance(resources.get(name), str):
                resources[name] = html.escape(resources[name])
        return nb, resources


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas as MathML, and with words for images and links."""

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return html.escape(f"[image: {text}]")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text if text == url else f"{text} ({html.escape(url)})"

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def block_code(self, code: str, info: str | None = None) -> Any:
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


def _formula(body: str, display: str) -> str:
    """Return LaTeX as MathML, or as it was written where it cannot be set.

    The library copies text as it is, so what comes out still has to be cleaned.
    """
    try:
        if len(body) <= _LONGEST_FORMULA:
            return str(convert(body, display=display))
    except Exception:  # it raises nearly anything on what is no LaTeX
        pass
    return f"<code>{html.escape(body)}</code>"
