"""The questions of the bank: what all of them must be, and what pages ask of them."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.lib import bank
from dlcourse.explore.lib.bank import pages, questions
from dlcourse.explore.quiz import quiz
from dlcourse.explore.review import CHAPTERS, review

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
ALL = [question for page in pages() for question in questions(page)]
CELL = re.compile(r'^quiz\("([^"]+)", "([^"]+)"\)$', re.MULTILINE)


def right(question):
    return next(i for i, choice in enumerate(question.choices) if choice.right)


def test_there_are_enough_of_them():
    assert len(ALL) >= 130
    of_chapter = Counter(page.split("/")[0] for page in (question.page for question in ALL))
    assert of_chapter.keys() == CHAPTERS.keys()
    assert all(of_chapter[chapter] >= 10 for chapter in list(CHAPTERS)[:-1])


def test_none_is_there_twice():
    assert len({question.question for question in ALL}) == len(ALL)
    assert len({question.name for question in ALL}) == len(ALL)


def test_each_has_three_or_four_choices_explained_differently():
    for question in ALL:
        assert len(question.choices) in (3, 4), question.name
        reasons = [choice.because for choice in question.choices]
        assert len(set(reasons)) == len(reasons), question.name
        assert all(len(reason) >= 12 and reason[-1] in ".!?)" for reason in reasons), question.name


@pytest.mark.parametrize("count", [3, 4])
def test_the_place_of_the_right_one_tells_nothing(count):
    of_count = [right(q) for q in ALL if len(q.choices) == count]
    places = Counter(of_count)
    expected = len(of_count) / count
    assert all(abs(places[i] - expected) <= max(3, expected / 4) for i in range(count)), places


def test_the_length_of_the_right_one_tells_nothing():
    """Whoever takes the longest, or the shortest, is right about as often as by chance."""
    chance = sum(1 / len(q.choices) for q in ALL)
    for extreme in (max, min):
        hits = 0.0
        for q in ALL:
            lengths = [len(choice.text) for choice in q.choices]
            best = extreme(lengths)
            hits += (lengths[right(q)] == best) / lengths.count(best)
        assert abs(hits - chance) < chance / 3, (extreme.__name__, hits, chance)


def test_the_right_one_is_not_far_longer_than_the_others():
    for q in ALL:
        lengths = [len(choice.text) for choice in q.choices]
        longest = max(n for i, n in enumerate(lengths) if i != right(q))
        assert lengths[right(q)] <= 1.5 * longest, q.name


def test_pages_and_titles_are_those_of_the_book():
    for page in pages():
        text = re.sub(r"```.*?```", "", (BOOK / f"{page}.md").read_text(), flags=re.DOTALL)
        assert questions(page)[0].title == re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def test_every_page_asks_questions_of_its_own():
    asked = Counter()
    for path in sorted(BOOK.rglob("*.md")):
        text = path.read_text()
        page = path.relative_to(BOOK).with_suffix("").as_posix()
        assert not re.search(r"^Quiz\(", text, re.MULTILINE), (
            f"{page} has a question in a cell; move it to explore/questions/{page}.toml, so that "
            "reviews ask it too, and show it by quiz(PAGE, NAME)"
        )
        for of, name in CELL.findall(text):
            assert of == page
            assert quiz(of, name).data["name"] == f"{of}#{name}"
            asked[f"{of}#{name}"] += 1
    assert max(asked.values()) == 1
    assert {name.split("#")[0] for name in asked} == set(pages())


def test_chapters_are_those_of_the_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    captions = {}
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            page = chapter["file"].removeprefix("book/")
            captions.setdefault(page.split("/")[0], part.get("caption"))
    assert {folder: captions[folder] for folder in CHAPTERS} == CHAPTERS
    assert list(CHAPTERS) == [folder for folder in captions if folder in CHAPTERS]


def test_a_review_has_them_all():
    data = review().data
    assert [question["name"] for question in data["questions"]] == [q.name for q in ALL]
    assert [chapter["folder"] for chapter in data["chapters"]] == list(CHAPTERS)


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no questions for '1-deeper'; .* 1-deeper/why-depth,"):
        quiz("1-deeper", "stacked-view")
    with pytest.raises(ValueError, match="no question 'it'; it has stacked-view, same-size"):
        quiz("1-deeper/why-depth", "it")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nquestion = "A?"\nchoices = []', "found 0 choices, 0 right"),
        (
            '[a]\nquestion = "A?"\nchoices = [{ text = "1", because = "Yes.", right = true },'
            '{ text = "2", because = " " }]',
            "found none for '2'",
        ),
    ],
)
def test_a_file_with_a_question_that_is_none(tmp_path, monkeypatch, text, message):
    monkeypatch.setattr(bank, "FOLDER", tmp_path)
    (tmp_path / "page.toml").write_text(f'title = "Page"\n\n{text}\n')
    with pytest.raises(ValueError, match=message):
        questions("page")
