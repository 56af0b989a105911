"""Each page of a chapter has exercises, and every one of them an answer that is computed or tested.

What the tests look for is how a page writes them, which they explain in what they say:

    ```{exercise} Title
    :label: ex-PAGE-WORD

    *5 minutes.* What is asked.
    ```

    ```{solution} ex-PAGE-WORD
    :class: dropdown

    **What comes out.** ...

    **How.** ...
    ```

A solution with cells of code stands between ``{solution-start}`` and ``{solution-end}``. One
without is named, by its label, in a file `tests/claims/test_answers_CHAPTER.py` that measures what
it says.
"""

import json
import re
from collections import Counter

import pytest

twins = pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")

ROOT = twins.ROOT
PAGES = [
    page
    for page in twins.pages(ROOT)
    if re.match(r"\d-", page.parent.name) and page.stem != "exercises"
]
FENCED = r"^(`{3,}|:{3,})\{%s\} *(.*)\n((?:.*\n)*?)\1$"
EXERCISE = re.compile(FENCED % "exercise", re.MULTILINE)
SOLUTION = re.compile(FENCED % "solution", re.MULTILINE)
GATED = re.compile(
    r"^(`{3,}|:{3,})\{solution-start\} *(.*)\n((?:.*\n)*?)\1\{solution-end\}$", re.MULTILINE
)
LABEL = re.compile(r"^:label: (.+)$", re.MULTILINE)
TIME = re.compile(
    r"\*((\d+ minutes)|half an hour|an hour|(\d+ hours)|an evening)\.\*", re.IGNORECASE
)
GUESS = re.compile(r"^\*Before you run it:\* .*\?", re.MULTILINE)
#: The answers that tests measure, by the label that stands in them.
TESTED = {
    label
    for path in (ROOT / "tests" / "claims").glob("test_answers_*.py")
    for label in re.findall(r"\bex-[a-z0-9-]+", path.read_text(encoding="utf-8"))
}


def exercises(page):
    """Return title and body of each exercise, by its label."""
    found = {}
    for _, title, body in EXERCISE.findall(page.read_text(encoding="utf-8")):
        label = LABEL.search(body)
        assert label, f"{page.name}: the exercise {title!r} has no line `:label: ex-PAGE-WORD`"
        found[label[1]] = title, LABEL.sub("", body).strip()
    return found


def solutions(page):
    """Return the text of each solution and whether it has cells, by the label of its exercise."""
    text = page.read_text(encoding="utf-8")
    found = [(label, body, False) for _, label, body in SOLUTION.findall(text)]
    found += [(label, body, "{code-cell}" in body) for _, label, body in GATED.findall(text)]
    labels = Counter(label for label, _, _ in found)
    twice = [label for label, count in labels.items() if count > 1]
    assert not twice, f"{page.name}: more than one solution of {twice}"
    return {label: (body, cells) for label, body, cells in found}


def by_page(function):
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)(function)


def test_there_are_pages():
    assert len(PAGES) >= 29


@by_page
def test_each_page_has_exercises_from_minutes_to_an_evening(page):
    found = exercises(page)
    assert len(found) >= 3, f"{page.name} has {len(found)} exercises; a page has at least three"
    times = []
    for label, (title, body) in found.items():
        assert title, f"{label} has no title"
        time = TIME.match(body)
        assert time, (
            f"{label} does not begin with how long it takes, as in *5 minutes.*: {body[:40]}"
        )
        times.append(time[1].lower())
    assert "5 minutes" in times, f"{page.name}: none takes 5 minutes, but {times}"
    assert "an evening" in times, f"{page.name}: none is worth an evening, but {times}"


@by_page
def test_labels_are_of_the_page(page):
    word = re.escape(page.stem)
    strange = [
        label for label in exercises(page) if not re.fullmatch(rf"ex-{word}-[a-z0-9-]+", label)
    ]
    assert not strange, f"a label is ex-{page.stem}-WORD, and these are not: {strange}"


def test_labels_are_one_of_a_kind():
    labels = Counter(label for page in PAGES for label in exercises(page))
    assert labels
    assert not [label for label, count in labels.items() if count > 1]


@by_page
def test_each_exercise_has_a_folded_solution(page):
    asked, solved = exercises(page), solutions(page)
    assert asked.keys() == solved.keys(), "exercises without a solution, or the other way round"
    for label, (body, _) in solved.items():
        assert body.startswith(":class: dropdown\n"), f"the solution of {label} is not folded"
        assert "**What comes out.**" in body, f"{label}: first say what should come out"
        assert "**How.**" in body, f"{label}: then say how"
        assert body.index("**What comes out.**") < body.index("**How.**"), label


@by_page
def test_each_answer_is_computed_or_tested(page):
    neither = [
        label for label, (_, cells) in solutions(page).items() if not cells and label not in TESTED
    ]
    assert not neither, f"no cell and no test in tests/claims/test_answers_* has {neither}"


def test_tests_answer_exercises_that_there_are():
    labels = {label for page in PAGES for label in exercises(page)}
    assert labels
    assert not TESTED - labels, "tests of answers name exercises that no page has"


@by_page
def test_readers_guess_before_results(page):
    text = page.read_text(encoding="utf-8")
    found = GUESS.findall(text)
    assert len(found) >= 2, f"{page.name}: {len(found)} lines `*Before you run it:* ...?`"
    assert len(found) == text.count("Before you run it"), "one form: *Before you run it:* ...?"


@by_page
def test_notebooks_fold_solutions_away(page):
    cells = json.loads(twins.twin(page))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "{exercise}" not in text and "{solution" not in text, (
        "a directive stands in the notebook"
    )
    assert text.count("<details>") == text.count("</details>") >= len(exercises(page))
    for label, (title, _) in exercises(page).items():
        assert label not in text and re.search(
            rf"\*\*Exercise \d\.\d+: {re.escape(title)}\*\*", text
        )


def test_solutions_unfold_and_their_code_can_be_scrolled_by_keys(visit):
    visit.page.set_viewport_size({"width": 360, "height": 800})
    page = visit.open("book/2-history/googlenet.html")
    solutions = page.locator(".solution.toggle")
    assert solutions.count() >= 3
    for code in page.locator(".solution pre").all():
        assert not code.is_visible()
    for button in page.locator(".solution .toggle-button").all():
        button.press("Enter")
    assert page.locator(".solution pre").first.is_visible()
    page.wait_for_function(
        """() => [...document.querySelectorAll(".solution pre")]
            .every((pre) => pre.scrollWidth <= pre.clientWidth || pre.tabIndex === 0)"""
    )
    assert not visit.problems
