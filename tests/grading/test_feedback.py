"""Pages for learners, and nbgrader's own: what they say, and that nothing runs in them."""

import json
from contextlib import closing

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

from chromium import unreadable
from inertness import EVERYTHING, PAYLOADS, watched
from nbconvert.exporters import HTMLExporter
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers
from tiny_course import NAME, RIGHT, hand_in
from traitlets.config.loader import PyFileConfigLoader

from dlcourse.grading import feedback, jobs
from dlcourse.grading.gradebook import Book

#: One runs where something sets formulas, the other where something cleans HTML badly.
SLEEPING = ("formula", "mutation")
#: What nbgrader's own pages ask for: their scripts, and MathJax.
OWN = ("https://cdnjs.cloudflare.com/",)


def mark(course, student, cell, points, comment):
    """Give points and write a comment, as the formgrader does."""
    with closing(Book(course, NAME)) as book:
        notebook = book._book.find_submission_notebook(NAME, NAME, student)
        for grade in notebook.grades:
            if grade.name == cell:
                grade.manual_score, grade.needs_manual_grade = points, False
        for one in notebook.comments:
            if one.name == cell:
                one.manual_comment = comment
        book._book.db.commit()


def page(course, student):
    return (course / "feedback" / student / NAME / f"{NAME}.html").read_text()


def test_everyone_has_a_page(course):
    (course / "students.csv").write_text("id\nann\nnone\n")
    (course / "course.toml").write_text('roster = "students.csv"\n')
    hand_in(course, "ann", {"double": RIGHT["double"]}, words="It **grows** by $x^2$.")
    hand_in(course, "bob", {"double": "fails", "triple": "endless"})
    (hand_in(course, "text", {}) / f"{NAME}.ipynb").write_text("Dear teacher,")
    hand_in(course, "crash", {"double": "crash"})
    jobs.grade(course, NAME)
    assert len(feedback.write(course, NAME)) == 5

    ann = page(course, "ann")
    assert "6 of 15 points" in ann and "up to 5 points may be added" in ann
    assert "expected &lt;b&gt;6&lt;/b&gt;, found 5" in ann
    assert "<strong>grows</strong>" in ann and "<msup>" in ann
    assert "double(3)" not in ann  # the hidden test

    bob = page(course, "bob")
    assert "NameError: x" in bob and "it took too long" in bob

    for student, reason in {
        "text": "notebook",
        "crash": "grading failed (status 1)",
        "none": "There is no work",
    }.items():
        assert reason in page(course, student)
        assert " of 15 points" not in page(course, student)


def test_marks_and_comments_by_hand(course):
    hand_in(course, "ann", RIGHT)
    jobs.grade(course, NAME)
    mark(course, "ann", "why", 3.5, "Good; see $\\frac{1}{2}$ <script>ran()</script>")
    mark(course, "ann", "triple", None, "Look at `np.add`.")
    feedback.write(course, NAME)
    ann = page(course, "ann")
    assert "13.5 of 15 points" in ann and "may be added" not in ann
    assert "3.5 of 5 points, given by a person" in ann
    assert "<mfrac>" in ann and "<code>np.add</code>" in ann
    assert "<script" not in ann


def notebook_with(payload):
    """Return the cells of a notebook that shows a text wherever it can."""
    output = {"text/html": payload, "text/markdown": payload, "text/plain": "x"}
    shown = {"output_type": "display_data", "data": output, "metadata": {}}
    code = {"cell_type": "code", "source": "1", "outputs": [shown], "execution_count": 1}
    return [
        {"cell_type": "markdown", "source": payload, "metadata": {"name": payload}},
        code | {"metadata": {"name": payload}},
    ]


NAMED, STRANGE = "eve & 'co'", "<img src=nowhere onerror=ran('student')>"


def hostile(course):
    """Hand in every payload in every place, and grade."""
    answers = {
        "double": f"'''{EVERYTHING}'''  # {EVERYTHING}",
        "triple": f"fails endless says {' '.join(PAYLOADS.values())}",
    }
    folder = hand_in(course, NAMED, answers, words=EVERYTHING)
    path = folder / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["title"] = notebook["metadata"]["authors"] = EVERYTHING
    for cell in notebook["cells"]:
        cell["metadata"] |= {"tags": [EVERYTHING], "name": EVERYTHING}
        cell["attachments"] = {"a.svg": {"image/svg+xml": EVERYTHING}}
    notebook["cells"] += notebook_with(EVERYTHING)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = str(number)
    path.write_text(json.dumps(notebook))
    # A file with such a name, and nothing to grade: the reason names it.
    odd = hand_in(course, "odd", {})
    (odd / f"{NAME}.ipynb").unlink()
    (odd / "<img src=nowhere onerror=ran('name')>.txt").write_text("Dear teacher,")
    hand_in(course, STRANGE, answers)
    rows = {row.student: row for row in jobs.grade(course, NAME)}
    assert rows[NAMED].score is not None
    assert rows["odd"].status == rows[STRANGE].status == "not graded"
    assert "rename the folder" in rows[STRANGE].remarks[0]


def nbgrader_config(course):
    return PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()


def test_the_payloads_run_where_nothing_is_done(browser, tmp_path):
    exporter = HTMLExporter(template_name="classic")
    with watched(browser) as look:
        for name, payload in PAYLOADS.items():
            notebook = {"cells": notebook_with(payload)[:1], "metadata": {}, "nbformat": 4}
            (tmp_path / "a.ipynb").write_text(json.dumps(notebook | {"nbformat_minor": 4}))
            html, _ = exporter.from_filename(str(tmp_path / "a.ipynb"))
            (tmp_path / "a.html").write_text(html)
            assert look(tmp_path / "a.html", OWN) == ([] if name in SLEEPING else [name])


def test_nothing_runs_in_feedback(course, browser):
    hostile(course)
    feedback.write(course, NAME)
    assert "&lt;script&gt;ran" in page(course, NAMED)  # in what a test said
    with watched(browser) as look:
        for student in (NAMED, STRANGE, "odd"):
            path = course / "feedback" / student / NAME / f"{NAME}.html"
            assert look(path) == []
            # And if something had got through: the page forbids it.
            path.write_text(path.read_text().replace("</main>", f"{EVERYTHING}</main>"))
            assert look(path) == []


def test_nothing_runs_in_the_pages_of_nbgrader(course, browser, tmp_path):
    hostile(course)
    mark(course, NAMED, "why", 1, EVERYTHING)
    config = nbgrader_config(course)
    directory = CourseDirectory(root=str(course), config=config)
    done = NbGraderAPI(directory, config=config).generate_feedback(NAME, NAMED, force=True)
    assert done["success"], done["log"]
    made_by_nbgrader = course / "feedback" / NAMED / NAME / f"{NAME}.html"
    assert "double(3)" not in made_by_nbgrader.read_text()  # the hidden test

    # As `nbgrader.server_extensions.formgrader` shows it.
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    notebook = course / "autograded" / NAMED / NAME / f"{NAME}.ipynb"
    resources = {
        **dict.fromkeys(("assignment_id", "notebook_id"), NAME),
        **{
            "submission_id": "1",
            "index": 0,
            "total": 1,
            "base_url": "https://cdnjs.cloudflare.com",
        },
        **dict.fromkeys(("student", "last_name", "first_name", "notebook_path"), STRANGE),
    }
    html, _ = HTMLExporter(config=config).from_filename(str(notebook), resources=resources)
    formgrader = tmp_path / "formgrader.html"
    formgrader.write_text(html)
    with watched(browser) as look:
        assert look(made_by_nbgrader, OWN) == []
        assert look(formgrader, OWN) == []


def test_everybody_can_read_it(course, browser, axe):
    hand_in(
        course,
        "ann",
        {"double": "fails"},
        words="It **grows** by $x^2$: `a`\n\n| a |\n|---|\n| 1 |",
    )
    (hand_in(course, "text", {}) / f"{NAME}.ipynb").write_text("Dear teacher,")
    jobs.grade(course, NAME)
    mark(course, "ann", "why", 3.5, "Good, [see](https://example.org)")
    assert unreadable(browser, axe, feedback.write(course, NAME)) == []
