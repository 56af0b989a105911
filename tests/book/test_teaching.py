"""What teachers take into a class: plans, rubrics and the catalogue of mistakes fit the book."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

pytest.importorskip("sphinx", reason="Sphinx is not installed; `make book` installs it")

import catalogue
import syllabus

ROOT = Path(__file__).resolve().parents[2]
TEACHING = ROOT / "book" / "teaching"
TEXTS = {path.stem: path for path in sorted((ROOT / "exercises" / "text").glob("ps*.py"))}
RUBRICS = (TEACHING / "rubrics.md").read_text(encoding="utf-8")


def plans():
    """Return the plans of the page, the long one first."""
    text = (TEACHING / "plans.md").read_text(encoding="utf-8")
    return [yaml.safe_load(one) for one in re.findall(r"```\{syllabus\}\n(.*?)```", text, re.S)]


def chapters():
    """Return the pages of the chapters that are read, not handed in."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return re.findall(r"book/(\d-\w+/(?!exercises)[\w-]+)$", toc, re.M)


def test_the_plans_have_twelve_and_six_weeks():
    assert [len(plan) for plan in plans()] == [12, 6]


def test_twelve_weeks_are_the_whole_course_in_order_and_without_a_heavy_week():
    plan = plans()[0]
    assert [page for week in plan for page in week["read"]] == chapters()
    done = [(name, n) for week in plan for name, tasks in week["do"].items() for n in tasks]
    assert done == [(name, n) for name in TEXTS for n in syllabus.task_minutes(name)]
    assert max(sum(syllabus.minutes(week)) for week in plan) <= 6 * 60


def test_six_weeks_are_a_part_of_it():
    plan = plans()[1]
    read = [page for week in plan for page in week["read"]]
    assert read == [page for page in chapters() if page in read]
    assert max(sum(syllabus.minutes(week)) for week in plan) <= 6 * 60


@pytest.mark.parametrize("plan", plans(), ids=len)
def test_no_task_comes_before_the_page_that_teaches_it(plan):
    read = set()
    for number, week in enumerate(plan, 1):
        read.update(week["read"])
        for name, tasks in week["do"].items():
            lines = re.findall(r"^# Taught in: (.*)$", TEXTS[name].read_text("utf-8"), re.M)
            for n in tasks:
                taught = set(re.findall(r"/book/(\d-[\w-]+/[\w-]+)\.html", lines[n - 1]))
                assert taught & read, f"week {number}: task {n} of {name} needs one of {taught}"


def test_hours_are_the_sums_of_what_pages_and_tasks_say():
    week = {"read": ["1-deeper/why-depth"], "do": {"ps1-deeper": [1, 3]}, "class": "It."}
    page = (ROOT / "book/1-deeper/why-depth.md").read_text(encoding="utf-8")
    says = int(re.search(r"about (\d+) minutes", page)[1])
    text = TEXTS["ps1-deeper"].read_text(encoding="utf-8")
    # The headings of the tasks say it a second time.
    tasks = [
        int(re.search(rf"^# ## Task {n}:.*\n#\n# \*\d+ points, (\d+) m", text, re.M)[1])
        for n in (1, 3)
    ]
    assert syllabus.minutes(week) == (says, sum(tasks))
    assert f"{syllabus.hours(says)} + {syllabus.hours(sum(tasks))}" in syllabus.rows([week])[2]


@pytest.mark.parametrize(
    ("week", "message"),
    [
        ({"read": ["1-deeper/no-such"]}, "found '1-deeper/no-such'"),
        ({"read": ["setup"]}, "found 'setup'"),
        ({"do": {"ps9-none": [1]}}, "found 'ps9-none'"),
        ({"do": {"ps1-deeper": [1, 99]}}, "ps1-deeper has no task 99"),
    ],
)
def test_a_plan_of_what_is_not_there_is_refused(week, message):
    with pytest.raises(ValueError, match=message):
        syllabus.minutes(week)


def rubric(number):
    return re.split(r"^## Assignment \d: ", RUBRICS, flags=re.M)[number]


@pytest.mark.parametrize(("number", "name"), list(enumerate(TEXTS, 1)))
def test_a_rubric_gives_the_points_of_the_question(number, name):
    question = TEXTS[name].read_text(encoding="utf-8").split(": a question\n")[1]
    asked = [int(points) for points in re.findall(r"\((\d) points\)$", question, re.M)]
    assert [int(p) for p in re.findall(r"^\| \d \| (\d) \|", rubric(number), re.M)] == asked


@pytest.mark.parametrize("number", range(1, 7))
def test_three_graded_samples_add_up(number):
    limits = [int(p) for p in re.findall(r"^\| \d \| (\d) \|", rubric(number), re.M)]
    samples = re.findall(r"^\*\*Sample (\d), .*: (.*) = ([\d.]+)\.\*\*$", rubric(number), re.M)
    assert [sample for sample, *_ in samples] == ["1", "2", "3"]
    sums = []
    for _, parts, total in samples:
        points = [float(p) for p in parts.split(" + ")]
        assert sum(points) == float(total)
        assert all(p <= limit for p, limit in zip(points, limits, strict=True))
        sums.append(float(total))
    assert sums[0] == sum(limits) == 8
    assert sums == sorted(sums, reverse=True)


@pytest.mark.parametrize("name", TEXTS)
def test_the_catalogue_holds_what_is_recorded(name):
    told = json.loads(catalogue.TOLD.read_text(encoding="utf-8"))[name]
    again = f"run `python tools/mistakes.py {name}` again"
    tasks = catalogue.headings(TEXTS[name].read_text(encoding="utf-8"))
    assert list(told) == list(tasks), again
    recorded = import_module(f"{name.split('-')[0]}_wrong").MISTAKES
    assert [(task, m) for task in told for m, _ in told[task]] == sorted(
        ((task, mistake) for task, mistake, *_ in recorded),
        key=lambda one: list(tasks).index(one[0]),
    ), again
    for task, mistake, _, message in recorded:
        assert re.search(message, dict(told[task])[mistake]), again


@pytest.mark.parametrize("name", TEXTS)
def test_there_is_a_question_for_each_task(name):
    asked = yaml.safe_load(catalogue.QUESTIONS.read_text(encoding="utf-8"))[name]
    assert list(asked) == list(catalogue.headings(TEXTS[name].read_text(encoding="utf-8")))
    assert all("?" in question for question in asked.values())
