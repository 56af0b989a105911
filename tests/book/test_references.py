"""The bibliography: complete, in one form, all of it cited, and linked from docstrings."""

import pytest

references = pytest.importorskip(
    "references", reason="pybtex is not installed; `make book` installs it"
)
database = pytest.importorskip("pybtex.database")
sources = references.sources

GOOD = r"""
@article{he2015some,
  author = {He, Kaiming and Sun, Jian and R{\'e}, Christopher}, title = {Some Title},
  journal = {A Journal}, volume = {1}, pages = {3--9}, year = {2015}, doi = {10.1/2},
}
"""
OTHER = r"""
@misc{he2015another,
  author = {He, Kaiming and Sun, Jian and R{\'e}, Christopher}, title = {Another},
  year = {2015}, eprint = {1502.01852}, archiveprefix = {arXiv},
}
"""


def entries(text):
    return dict(database.parse_string(text, "bibtex").entries)


def found(text):
    """Return what is wrong with entries, apart from that no page cites them."""
    all_entries = entries(text)
    problems = [
        what
        for key, entry in all_entries.items()
        for what in (*references.incomplete(entry), *references.out_of_form(key, entry))
    ]
    return "; ".join([*problems, *references.doubles(all_entries)])


def test_bibliography():
    problems = references.problems(sources.bibliography())
    assert not problems, "\n".join(problems)


def test_complete_entries_pass():
    assert not found(GOOD + OTHER)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("journal = {A Journal}, ", "", "has no journal"),
        ("author = {He, Kaiming and Sun, Jian and R{\\'e}, Christopher}, ", "", "has no author"),
        ("title = {Some Title}", "title = {}", "has no title"),
        ("doi = {10.1/2},", "", "has no doi, no arXiv number (eprint) and no url"),
        ("pages = {3--9}, ", "", "has no pages, no arXiv number"),
        ("volume = {1}, ", "", "has pages and no volume"),
        ("@article", "@unpublished", "expected one of article, book"),
        ("{3--9}", "{3-9}", "pages have the form 1--9, found 3-9"),
        ("{10.1/2}", "{https://doi.org/10.1/2}", "a doi begins with 10."),
        ("doi = {10.1/2}", "eprint = {1502.01852}", "go together"),
        ("doi = {10.1/2}", "url = {https://arxiv.org/abs/1502.01852}", "goes into eprint"),
        ("doi = {10.1/2}", "url = {http://a.b}, note = {arXiv:1502.01852}", "found it in note"),
        ("he2015some", "he2016some", "is not named after"),
        ("Sun, Jian", "Sun", "is written as Last, First"),
        ("Christopher}", "Christopher and others}", "names 3 authors before the others, not 5"),
        ("Christopher}", "Christopher" + " and Sun, Jian" * 10 + "}", "has 13 authors"),
    ],
)
def test_each_rule(old, new, what):
    assert old in GOOD
    assert what in found(GOOD.replace(old, new))


@pytest.mark.parametrize("name", ["Re, Christopher", "R{\\'e}, Chris", "R{\\'e}, C. M."])
def test_one_person_has_one_spelling(name):
    changed = OTHER.replace("R{\\'e}, Christopher", name)
    assert "one person is spelled" in found(GOOD + changed)
    assert not found(GOOD + OTHER.replace("R{\\'e}, Christopher", "R{\\'e}, Anna"))


def test_a_name_of_two_letters_is_no_other_that_begins_with_them():
    assert not found(GOOD + OTHER.replace("R{\\'e}, Christopher", "R{\\'e}, Ch"))


def test_a_work_is_there_once():
    again = GOOD.replace("he2015some", "he2015again").replace("Some Title", "{S}ome title")
    assert "he2015some and he2015again have the same title" in found(GOOD + again)
    assert "he2015some and he2015again have the same doi" in found(GOOD + again)


def test_citations_of_pages_and_docstrings_need_entries(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "src" / "dlcourse").mkdir(parents=True)
    (tmp_path / "book" / "page.md").write_text("Some {cite}`he2015some, gone2015any`.")
    (tmp_path / "src" / "dlcourse" / "a.py").write_text('"""As Maas et al. 2013 have it."""')
    wrong = list(references.wrongly_cited(entries(GOOD + OTHER), tmp_path))
    assert wrong == [
        "book/page.md cites gone2015any, which has no entry",
        "src/dlcourse/a.py: 'Maas et al. 2013' has no entry",
        "he2015another is cited nowhere",
    ]


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("(He et al. 2015, section 3)", "(:cite:alp:`he2015some`, section 3)"),
        ("by He, Sun and Ré (2015).", "by :cite:t:`he2015some`."),
        (
            "He et al. (2015, figure 2)",
            ":cite:author:`he2015some` (:cite:year:`he2015some`, figure 2)",
        ),
        ("(He, Sun &\n    Ré 2015)", "(:cite:alp:`he2015some`)"),
        ("(He and Sun 2015; He 2015; He et al. 2014)", None),
        ("As follows::\n\n    a  (He et al. 2015)\n\nafter it", None),
    ],
)
def test_docstrings_are_linked(text, linked):
    assert sources.link(text, entries(GOOD)) == (linked or text)


def test_letters_tell_entries_apart():
    both = entries(GOOD + OTHER)
    assert sources.link("He et al. 2015", both) == "He et al. 2015"
    assert sources.link("He et al. 2015a, b", both) == ":cite:alp:`he2015another`, b"
    assert sources.link("He et al. 2015b", both) == ":cite:alp:`he2015some`"
