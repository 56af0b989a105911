"""When a question comes back, and which ten a review asks: the JavaScript, called from here."""

import datetime
from collections import Counter

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.lib.bank import pages, questions
from dlcourse.explore.lib.widget import bundle
from dlcourse.explore.review import CHAPTERS

ALL = [{"name": q.name, "page": q.page} for page in pages() for q in questions(page)]
DAY = datetime.date(2026, 2, 27)


@pytest.fixture(scope="module")
def call(browser):
    """Return a function that calls an exported function of a module in ``js/lib``."""
    page = browser.new_page()

    def call(module, function, *arguments):
        return page.evaluate(
            """async ([code, name, values]) => {
              const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
              return (await import(url))[name](...values.map((v) => v ?? undefined));
            }""",
            [bundle(f"lib/{module}.js"), function, arguments],
        )

    yield call
    page.close()


def later(days):
    return str(DAY + datetime.timedelta(days))


def test_pauses_grow_while_answers_are_right(call):
    answer, days = None, 0
    pauses = []
    for _ in range(7):
        answer = call("memory", "after", answer, True, later(days))
        due = datetime.date.fromisoformat(call("memory", "due", answer))
        pauses.append((due - DAY).days - days)
        assert call("memory", "after", answer, True, str(due - datetime.timedelta(1))) == answer
        days += pauses[-1]
    assert pauses == [1, 3, 7, 14, 30, 30, 30]
    wrong = call("memory", "after", answer, False, later(days))
    assert call("memory", "due", wrong) == later(days), "the same day"
    again = call("memory", "after", wrong, True, later(days))
    assert call("memory", "due", again) == later(days + 1)


def test_of_two_memories_the_newer_answers_stay(call):
    ours = {"a": {"box": 2, "day": later(3)}, "b": {"box": 1, "day": later(1)}}
    theirs = {"a": {"box": 4, "day": later(2)}, "b": {"box": 0, "day": later(2)}}
    theirs["c"] = {"box": 1, "day": later(0)}
    found = call("memory", "merged", ours, theirs)
    assert found == {"a": ours["a"], "b": theirs["b"], "c": theirs["c"]}


def test_what_is_saved_is_read(call):
    answers = {"1-deeper/why-depth#same-size": {"box": 5, "day": later(0)}}
    assert call("memory", "fromText", call("memory", "asText", answers)) == answers


def chosen(call, chapter, answers=None, day=0, shown=None):
    values = (ALL, list(CHAPTERS), chapter, answers or {}, later(day), shown or {})
    found = [q["name"] for q in call("choosing", "choose", *values)]
    assert len(set(found)) == 10
    return found


def chapter_of(name):
    return name.split("#")[0].split("/")[0]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_ten_from_the_chapter_and_from_those_before_it(call, chapter):
    of = [chapter_of(name) for name in chosen(call, chapter)]
    place = list(CHAPTERS).index(chapter)
    assert set(of) <= set(list(CHAPTERS)[: place + 1])
    assert of.count(chapter) == (5 if place else 10)


def test_without_a_memory_the_day_plays_no_part(call):
    assert chosen(call, "4-distributed") == chosen(call, "4-distributed", day=400)


def test_others_follow_until_all_have_been_shown(call):
    shown = Counter()
    for _ in range(40):
        shown.update(chosen(call, "3-speed", shown=shown))
    wanted = {q["name"] for q in ALL if chapter_of(q["name"]) in list(CHAPTERS)[:3]}
    assert shown.keys() == wanted
    of_chapter = [shown[name] for name in wanted if chapter_of(name) == "3-speed"]
    assert max(of_chapter) - min(of_chapter) <= 1


def test_what_is_longest_due_comes_first_then_what_is_new(call):
    of_two = [q["name"] for q in ALL if chapter_of(q["name"]) == "2-history"]
    due, done = of_two[:3], of_two[3:5]
    answers = {name: {"box": 1, "day": later(-10)} for name in due}
    answers |= {name: {"box": 5, "day": later(-1)} for name in done}
    found = chosen(call, "2-history", answers)
    assert set(due) <= set(found) and not set(done) & set(found)
    # Seven are due in the chapter: the five that have waited longest are asked.
    answers = {name: {"box": 1, "day": later(-10 - i)} for i, name in enumerate(of_two[:7])}
    found = [name for name in chosen(call, "2-history", answers) if name in of_two]
    assert set(found) == set(of_two[2:7])
