"""The page of notation has every symbol of the chapters."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$(.*?)\$\$|\$([^$\n]+)\$", re.DOTALL)
#: What is written in letters and is no symbol.
WORDS = re.compile(
    r"\\(?:text|operatorname|mathrm|mathbb|begin|end)\{[^}]*\}"
    r"|\\[a-z]*(?:log|max|min|tanh)"
)
GREEK = re.compile(
    r"\\(alpha|beta|gamma|delta|Delta|epsilon|varepsilon|eta|theta|lambda|mu|nabla|pi|sigma)\b"
)


def symbols(page):
    """The letters of a page's formulas, Latin and Greek."""
    formulas = " ".join(a or b for a, b in FORMULA.findall(CODE.sub(" ", page.read_text())))
    formulas = WORDS.sub(" ", formulas)
    letters = set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", formulas)))
    return letters | set(GREEK.findall(formulas))


@pytest.mark.parametrize(
    "page", [p for p in sorted(BOOK.rglob("*.md")) if symbols(p)], ids=lambda p: p.stem
)
def test_symbols_of_a_page(page):
    missing = symbols(page) - symbols(BOOK / "notation.md")
    assert not missing, f"{page.name}: book/notation.md lacks {sorted(missing)}"
