"""Quizzes that remember: two pages of a small book, from the disk, in a browser with a clock."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")
pytest.importorskip("sphinx", reason="Sphinx is not installed; `make book` installs it")

from dlcourse.explore.lib.bank import questions
from dlcourse.explore.quiz import Choice, Quiz, quiz
from dlcourse.explore.review import review

ROOT = Path(__file__).resolve().parents[2]
PAGE = """<!doctype html><html lang="en"{root}><meta charset="utf-8">
<title>{title}</title><meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark; }} body {{ background: Canvas; }}
a {{ color: inherit; text-decoration: underline; }}
.visually-hidden {{ position: absolute; clip: rect(0 0 0 0); width: 1px; height: 1px;
  overflow: hidden; white-space: nowrap; }} {css}</style>
<script src="{up}_static/quizzes.js"></script>
<nav class="bd-links" aria-label="Contents"><ul>
  <li><a class="reference internal" href="{up}book/1-deeper/why-depth.html">Why depth</a></li>
  <li><a class="reference internal" href="{up}book/2-history/vgg.html">VGG</a></li>
  <li><a class="reference internal" href="{up}book/reviews.html">Reviews</a></li>
</ul></nav>
<main><h1>{title}</h1></main>
<script type="module">
  for (const [traits, code] of {data}) {{
    const url = URL.createObjectURL(new Blob([code], {{ type: "text/javascript" }}));
    const {{ default: explorer }} = await import(url);
    const el = document.createElement("div");
    document.querySelector("main").append(el);
    explorer.render({{ model: {{ get: (name) => traits[name] }}, el }});
  }}
</script></html>"""
KEY = "dlcourse.quizzes"
STORED = f"() => localStorage.getItem('{KEY}')"


def write(file, title, *widgets, root="data-content_root"):
    file.parent.mkdir(parents=True, exist_ok=True)
    up = "../" * (len(file.parts) - file.parts.index("html") - 2)
    data = [[{"kind": w.kind, "title": w.title, "data": w.data}, w._esm] for w in widgets]
    file.write_text(
        PAGE.format(
            root=f' {root}="{up}"' if root else "",
            title=title,
            up=up,
            css=widgets[0]._css,
            data=json.dumps(data).replace("</", "<\\/"),
        )
    )
    return file


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return a folder with two pages of the book and the script of its contents."""
    folder = tmp_path_factory.mktemp("built") / "html"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "book" / "_ext")
        import quizzes

        (folder / "_static").mkdir(parents=True)
        (folder / "_static" / "quizzes.js").write_text(quizzes.script(ROOT))
    page = "1-deeper/why-depth"
    both = [quiz(page, "stacked-view"), quiz(page, "same-size")]
    write(folder / "book" / f"{page}.html", "Why depth", *both)
    write(folder / "book" / "reviews.html", "Reviews", review())
    write(folder / "notebook.html", "A notebook", quiz(page, "same-size"), review(), root="")
    return folder


@pytest.fixture
def open_page(browser, book):
    """Return a function that opens a page on a day; nothing may go wrong or leave the machine."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    problems = []

    def open_page(name, day="2026-03-01", chapter=""):
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "blob:")) or problems.append(request.url)
            ),
        )
        page.on("dialog", lambda dialog: dialog.accept())
        page.clock.set_fixed_time(f"{day}T12:00:00")
        page.goto((book / f"{name}.html").as_uri() + chapter)
        page.locator(".dlcourse").last.wait_for()
        return page

    yield open_page
    context.close()
    assert not problems


def answer(form, question, right):
    """Check the right choice of a question, or a wrong one."""
    choice = next(i for i, c in enumerate(question.choices) if c.right == right)
    form.get_by_role("radio").nth(choice).press("Space")
    form.get_by_role("button", name="Check").press("Enter")
    said = form.get_by_role("status").inner_text()
    assert said.startswith("✓ Right" if right else "✗ Not quite")


def contents(page):
    return page.get_by_role("navigation").get_by_role("link").all_inner_texts()


def heard(page):
    links = page.get_by_role("navigation").get_by_role("link").all()
    return [re.sub(r"\s+", " ", link.text_content()) for link in links]


DEPTH = "book/1-deeper/why-depth"
FIRST, SECOND = questions("1-deeper/why-depth")[:2]


def test_an_answer_is_remembered_shown_reviewed_taken_along_and_erased(open_page, tmp_path):
    page = open_page(DEPTH)
    first, second = page.locator("form").all()
    answer(first, FIRST, True)
    assert page.evaluate(STORED) is None, "nothing is kept before the reader wants it"
    assert second.get_by_role("button").all_inner_texts() == ["Check"]
    first.get_by_role("button", name="Remember").press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Check"
    kept = json.loads(page.evaluate(STORED))
    assert kept == {"version": 1, "answers": {FIRST.name: {"box": 1, "day": "2026-03-01"}}}
    assert "Remembered: ✓ right on 2026-03-01. Reviews ask it again from 2026-03-02 on." in (
        first.inner_text()
    )
    answer(second, SECOND, False)
    assert "✗ not yet right" in second.inner_text()

    page = open_page(DEPTH)
    assert "Remembered: ✓ right" in page.locator("form").first.inner_text()
    texts = contents(page)
    assert "1/2" in texts[0] and "✓" not in texts[0]
    assert heard(page)[0] == "Why depth1/2 (1 of 2 questions right)"
    assert texts[1] == "VGG" and "1 due" in texts[2]
    answer(page.locator("form").nth(1), SECOND, True)
    assert heard(page)[0] == "Why depth✓ 2/2 (2 of 2 questions right)", "at once"
    assert heard(page)[2] == "Reviews"

    page = open_page("book/reviews", day="2026-03-03")
    assert heard(page)[2] == "Reviews2 due (2 questions due)"
    legends = page.locator("legend").all_inner_texts()
    assert len(legends) == 10
    asked = {i: q for i, text in enumerate(legends) for q in (FIRST, SECOND) if q.question in text}
    assert len(asked) == 2, "what is due is asked"
    for i, question in asked.items():
        answer(page.locator("form").nth(i), question, True)
    assert "From the page Why depth." in page.locator("form").nth(next(iter(asked))).inner_text()
    kept = json.loads(page.evaluate(STORED))["answers"]
    assert kept[FIRST.name] == {"box": 2, "day": "2026-03-03"}
    assert heard(page)[2] == "Reviews"
    assert "remembers 2 answers, 2 of them right; 0 are due" in page.inner_text("main")

    with page.expect_download() as download:
        page.get_by_role("button", name="Export").press("Enter")
    assert download.value.suggested_filename == "dlcourse-quizzes.json"
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    assert json.loads(file.read_text())["answers"] == kept

    page.get_by_role("button", name="Erase").press("Enter")
    assert page.evaluate(STORED) is None
    assert heard(page) == ["Why depth", "VGG", "Reviews"]
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("Read 2 answers from the file.").wait_for()
    assert json.loads(page.evaluate(STORED))["answers"] == kept


def test_who_says_no_is_not_asked_again(open_page):
    page = open_page(DEPTH)
    first, second = page.locator("form").all()
    answer(first, FIRST, True)
    answer(second, SECOND, True)
    assert page.get_by_role("button", name="No, thanks").count() == 2
    first.get_by_role("button", name="No, thanks").press("Enter")
    assert page.get_by_role("button", name="No, thanks").count() == 0
    answer(first, FIRST, False)
    page.reload()
    page.locator("form").last.wait_for()
    answer(page.locator("form").first, FIRST, True)
    assert page.get_by_role("button", name="Remember").count() == 0
    assert page.evaluate("() => localStorage.length") == 0
    assert heard(page) == ["Why depth", "VGG", "Reviews"]


def test_without_a_memory_everybody_meets_the_same_ten(open_page):
    seen = []
    for day in ("2026-03-01", "2027-01-01"):
        page = open_page("book/reviews", day)
        chapters = page.get_by_role("combobox", name="Chapter")
        assert chapters.input_value() == "1-deeper"
        chapters.select_option(label="3. Making it fast")
        seen.append(page.locator("legend").all_inner_texts())
    page = open_page("book/reviews", chapter="#3-speed")
    seen.append(page.locator("legend").all_inner_texts())
    assert seen[0] == seen[1] == seen[2] and len(set(seen[0])) == 10
    page.get_by_role("button", name="Ten others").press("Enter")
    others = page.locator("legend").all_inner_texts()
    assert not {t.split("\n")[-1] for t in others} & {t.split("\n")[-1] for t in seen[0]}
    assert page.evaluate("document.activeElement.type") == "radio"


def test_a_review_counts_first_answers(open_page):
    page = open_page("book/reviews")
    found = {q.question: q for q in map(questions_of, page.locator("legend").all_inner_texts())}
    for i, question in enumerate(found.values()):
        form = page.locator("form").nth(i)
        if i < 3:
            answer(form, question, False)
        answer(form, question, True)
    page.get_by_text("7 of 10 were right at the first try.").wait_for()


def questions_of(legend):
    pages = ("raising-accuracy", "the-way-back", "towards-deeper", "training-well", "why-depth")
    of_chapter = [q for name in pages for q in questions(f"1-deeper/{name}")]
    return next(q for q in of_chapter if legend.endswith(q.question.replace("`", "")))


@pytest.mark.parametrize(
    "text", ["no JSON", '{"version": 2}', '{"version": 1, "answers": {"a": 1}}']
)
def test_a_file_that_is_none_is_refused_in_a_sentence(open_page, tmp_path, text):
    page = open_page("book/reviews")
    (tmp_path / "other.json").write_text(text)
    page.locator("input[type=file]").set_input_files(tmp_path / "other.json")
    page.get_by_text(re.compile("Nothing was read: expected a file that .* found")).wait_for()
    assert page.evaluate(STORED) is None


def test_what_another_version_has_stored_is_only_erased(open_page):
    page = open_page(DEPTH)
    later = '{"version": 2, "answers": []}'
    page.evaluate(f"(text) => localStorage.setItem('{KEY}', text)", later)
    page.reload()
    page.locator("form").last.wait_for()
    answer(page.locator("form").first, FIRST, True)
    assert page.get_by_role("button", name="Remember").count() == 0
    assert page.evaluate(STORED) == later
    page = open_page("book/reviews")
    assert "remembers something that this version of the book cannot read" in page.inner_text(
        "main"
    )
    page.get_by_role("button", name="Erase").press("Enter")
    assert page.evaluate(STORED) is None
    assert page.get_by_role("button", name="Remember").count() == 1


def test_nothing_is_remembered_in_a_notebook(open_page, book):
    page = open_page(DEPTH)
    answer(page.locator("form").first, FIRST, True)
    page.get_by_role("button", name="Remember").press("Enter")
    before = page.evaluate(STORED)
    page = open_page("notebook")
    answer(page.locator("form").first, SECOND, True)
    assert page.get_by_role("button", name="Remember").count() == 0
    assert page.get_by_role("button", name="Export").count() == 0
    assert page.evaluate(STORED) == before


def test_a_question_without_a_name_is_not_remembered(open_page, book):
    own = Quiz("2 + 2?", [Choice("4", "Count.", right=True), Choice("5", "One too many.")])
    write(book / "book" / "own.html", "Own", own)
    page = open_page("book/own")
    page.get_by_role("radio").first.press("Space")
    page.get_by_role("button", name="Check").press("Enter")
    assert page.get_by_role("button").all_inner_texts() == ["Check"]


@pytest.mark.parametrize("name", [DEPTH, "book/reviews"])
def test_for_everybody(browser, axe, book, name):
    from chromium import unreadable

    assert unreadable(browser, axe, [book / f"{name}.html"]) == []
