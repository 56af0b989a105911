"""What goes into nbgrader's gradebook and into `autograded`: marks by hand stay, nothing runs."""

import json
import shutil

import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed; `make grading` installs it")

from nbgrader.api import Gradebook
from tiny_course import NAME, RIGHT, hand_in

from dlcourse.grading import autograded, gradebook, jobs, runner


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "choose", lambda without: None)
    monkeypatch.setattr(jobs, "side_by_side", judged)
    return shutil.copytree(made, tmp_path / "course")


def judged(specs, folder, **how):
    """Results as `fake_job` gives them, without processes."""
    for key, text in specs.items():
        spec = json.loads(text)
        told = {step["name"]: step["source"] for step in spec["steps"] if step["kind"] == "theirs"}
        tests = [
            {
                "name": step["name"],
                "points": step["points"] * ("right" in told.get(step["name"].split("-")[0], "")),
                "of": step["points"],
                "message": "expected <b>6</b>\x1b[31m\n<script>alert(1)</script>",
                "seconds": 0,
            }
            for step in spec["steps"]
            if step["kind"] == "test"
        ]
        result = {"format": "dlcourse marks 1", "key": key, "sandbox": "bubblewrap", "tests": tests}
        failed = [{"name": "double", "message": "NameError: x"}] if "fails" in text else []
        rest = {"assignment": NAME, "cells": failed, "remarks": [], "ended": None}
        yield key, json.dumps({**result, **rest, "seconds": 0, "computed": 0})


def grade(course, **options):
    return {row.student: row for row in jobs.grade(course, NAME, **options)}


def marked(course, student, cell, score):
    """Give a mark by hand, as the formgrader does."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        mark = book.find_grade(cell, NAME, NAME, student)
        mark.manual_score, mark.needs_manual_grade = score, False
        book.db.commit()


def shown(course, student):
    """The cells of the autograded notebook by name."""
    cells = json.loads(autograded.path(course, student, NAME).read_bytes())["cells"]
    return {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in cells}


def test_marks_by_hand_stay_and_are_shown_as_older(course):
    hand_in(course, "ann", RIGHT)
    assert grade(course)["ann"].open == 5
    marked(course, "ann", "why", 4)
    for again in (False, True):
        row = grade(course, again=again)["ann"]
        assert (row.score, row.open, row.status, row.remarks) == (14, 0, "graded", [])

    hand_in(course, "ann", RIGHT, words="I do not know.")
    for _ in range(2):  # it stays so until a person looks
        row = grade(course)["ann"]
        assert (row.score, row.open, row.status) == (14, 0, "needs a look")
        assert row.remarks == [
            "the mark by hand of why is older than the answer; look at it, and save it again"
        ]
    marked(course, "ann", "why", 1)
    row = grade(course)["ann"]
    assert (row.score, row.status, row.remarks) == (11, "graded", [])

    # Another answer to a task is not another answer in words.
    hand_in(course, "ann", {"double": "right"}, words="I do not know.")
    row = grade(course)["ann"]
    assert (row.score, row.status) == (7, "graded")


def test_a_mark_by_hand_on_a_test_stays_too(course):
    hand_in(course, "ann", {"double": "almost"})
    grade(course)
    marked(course, "ann", "double-hidden", 3)
    assert grade(course)["ann"].tasks["double"] == 3
    hand_in(course, "ann", RIGHT)
    row = grade(course)["ann"]
    assert row.tasks == {"double": 5, "triple": 4, "why": 0}
    assert "the mark by hand of double-hidden is older" in row.remarks[0]


def test_the_mark_survives_what_lies_beside_the_gradebook(course):
    hand_in(course, "ann", RIGHT)
    grade(course)
    marked(course, "ann", "why", 4)
    shutil.rmtree(course / "autograded")
    shutil.rmtree(course / "results")
    assert grade(course)["ann"].status == "graded"
    hand_in(course, "ann", RIGHT, words="Other words.")
    assert grade(course)["ann"].status == "needs a look"


def test_a_mark_given_before_this_gradebook_was_kept_so(course):
    hand_in(course, "ann", RIGHT)
    grade(course)
    marked(course, "ann", "why", 4)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.db.execute(gradebook._GRADED.delete())
        book.db.commit()
    row = grade(course)["ann"]
    assert (row.score, row.status) == (14, "needs a look")


def test_no_answer_is_no_point_and_no_work(course):
    for student, words in (("stub", None), ("blank", "  \n")):
        hand_in(course, student, {}, words=words)
        assert grade(course)[student].open == 0
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        assert book.find_comment("why", NAME, NAME, "stub").auto_comment == "No response."
        assert not book.find_submission(NAME, "stub").needs_manual_grade


def test_the_gradebook_says_what_the_table_says(course):
    (course / "course.toml").write_text(f"[due]\n{NAME} = 2026-11-01T09:00:00Z\n")
    hand_in(course, "ann", RIGHT)
    row = grade(course)["ann"]
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = book.find_submission(NAME, "ann")
        assert (found.score, found.max_score) == (row.score, row.max_score)
        assert found.needs_manual_grade
        assert found.total_seconds_late == 3600
        assert row.late.total_seconds() == 3600


def test_history(course):
    hand_in(course, "ann", RIGHT)
    grade(course)
    hand_in(course, "ann", {})
    grade(course)
    grade(course, again=True)
    book = gradebook.Book(course, NAME)
    first, second, third = book.records()["ann"]
    book.close()
    assert first.submission != second.submission == third.submission
    assert (first.assignment, first.environment) == (third.assignment, runner.environment())
    assert (second.round, third.round) == (0, 1)
    assert len({first.key, second.key, third.key}) == 3


def test_the_notebook_shows_text_and_no_hidden_test(course):
    words = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) $a<b$"
    hand_in(course, "ann", {"double": "fails", "triple": "right"}, words, own=["my_own = 1"])
    grade(course)
    text = autograded.path(course, "ann", NAME).read_text()
    assert "double(3) == 6" not in text and "### BEGIN" not in text
    cells = shown(course, "ann")
    assert "<img" not in cells["why"]["source"]
    assert cells["double"]["source"] == "def double(x):\n    return x  # fails"
    assert cells["double"]["outputs"][0]["traceback"] == ["NameError: x"]
    assert cells["double-hidden"]["source"] == f"# Hidden.\n{autograded.NOT_SHOWN}"
    (output,) = cells["double-hidden"]["outputs"]
    assert output["output_type"] == "error"
    assert output["traceback"] == ["expected <b>6</b>\ufffd[31m\n<script>alert(1)</script>"]
    assert cells["triple-visible"]["outputs"] == []
    assert cells["setup"]["source"] == "import math"


def test_what_is_no_text_or_no_plan_costs_the_others_nothing(course, monkeypatch):
    hand_in(course, "ann", {"double": "right \ud800"}, words="\udfff")
    hand_in(course, "bob", {"double": "right bob"})
    real = autograded.notebook

    def notebook(master, plan, result):
        if "bob" in plan.answers["double"]:
            raise KeyError("bob")
        return real(master, plan, result)

    monkeypatch.setattr(autograded, "notebook", notebook)
    rows = grade(course)
    assert (rows["ann"].score, rows["ann"].status) == (6, "graded")
    assert (rows["bob"].score, rows["bob"].status) == (6, "needs a look")
    assert "KeyError: 'bob'; please report this" in rows["bob"].remarks[0]


def test_the_gradebook_fails_for_one_and_the_others_go_on(course, monkeypatch):
    for student in ("ann", "bob"):
        hand_in(course, student, {"double": f"right {student}"})
    real = gradebook.Book.save

    def save(self, student, *rest):
        if student == "ann":
            raise gradebook.GradebookError("the gradebook could not be written (it is locked)")
        real(self, student, *rest)

    monkeypatch.setattr(gradebook.Book, "save", save)
    rows = grade(course)
    assert (rows["ann"].score, rows["ann"].status) == (6, "needs a look")
    assert "(it is locked)" in rows["ann"].remarks[0]
    assert rows["bob"].status == "graded"
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "side_by_side", None)  # nothing is left to run
    assert grade(course)["ann"].status == "graded"


def test_an_assignment_that_was_changed_but_not_released(course):
    master = course / "source" / NAME / f"{NAME}.ipynb"
    master.write_text(master.read_text().replace('"points": 2', '"points": 3'))
    hand_in(course, "ann", RIGHT)
    row = grade(course)["ann"]
    assert (row.score, row.max_score) == (11, 16)
    assert "than the teacher's notebook (double-visible); release it again" in row.remarks[0]


def test_an_assignment_that_was_not_released(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        book.remove_assignment(NAME)
    hand_in(course, "ann", RIGHT)
    assert f"run `nbgrader generate_assignment {NAME}`" in grade(course)["ann"].remarks[0]
