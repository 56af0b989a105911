"""The front page: the living network first, six chapters with a picture each, honest durations."""

import re

import pytest

twins = pytest.importorskip("twins", reason="jupytext is not installed; `make book` installs it")
import jupytext
import yaml

BOOK = twins.ROOT / "book"
FRONT = BOOK / "index.md"
TAKES = re.compile(r"\*\*It takes\*\* about (.+?)(?:,| to read|\.\n)")
HOURS = {"six hours": 6, "six and a half hours": 6.5}


@pytest.fixture(scope="module")
def cells():
    return jupytext.read(FRONT).cells


@pytest.fixture(scope="module")
def chapters():
    """The pages of each of the six chapters, in order."""
    parts = yaml.safe_load((twins.ROOT / "_toc.yml").read_text())["parts"]
    return {
        part["caption"]: [chapter["file"].removeprefix("book/") for chapter in part["chapters"]]
        for part in parts
        if re.match(r"\d\. ", part.get("caption", ""))
    }


def durations(pages):
    return [TAKES.search((BOOK / f"{page}.md").read_text())[1] for page in pages]


def test_the_network_comes_first(cells):
    seen = [cell for cell in cells if "remove-cell" not in cell.metadata.get("tags", ())]
    heading, invitation, network = seen[:3]
    assert heading.source == "# Deep networks from scratch"
    assert "\n" not in invitation.source and len(invitation.source) < 300  # three lines
    assert network.source.splitlines()[-1].startswith("network(net, ")


def test_every_chapter_has_a_card_with_a_picture_that_is_described(chapters):
    assert len(chapters) == 6
    cards = re.findall(
        r":::\{grid-item-card\} (.+)\n:link: (.+)\n:link-type: doc\n\n"
        r"```\{glue:figure\} (\w+)\n:alt: \"(.+)\"\n```\n\n(.+)\n:::\n",
        FRONT.read_text(),
    )
    assert {title: link for title, link, *_ in cards} == {t: p[0] for t, p in chapters.items()}
    for _, _, name, alt, sentence in cards:
        assert f'keep("{name}", figure)' in FRONT.read_text()
        assert len(alt) > 50
        assert sentence.endswith(".") and sentence.count(". ") == 0


def test_a_term_is_as_long_as_its_pages_say(chapters):
    found = durations(page for pages in chapters.values() for page in pages[:-1])
    tasks = durations(pages[-1] for pages in chapters.values())
    reading = sum(int(minutes.removesuffix(" minutes")) for minutes in found) / 60
    solving = sum(HOURS[time] for time in tasks)
    said = re.search(
        r"The (\d+) pages .* take about (\d+) hours to read .* about (\d+): four hours a week "
        r"for (\d+) weeks",
        FRONT.read_text(),
    )
    assert [int(number) for number in said.groups()] == [
        len(found),
        round(reading),
        round(solving),
        round((reading + solving) / 4),
    ]


def test_the_front_page_leads_from_a_mistake_to_a_step_that_mends_it(visit):
    page = visit.open("book/index.html")
    explorer = page.locator("main .dlcourse").first
    assert explorer.get_attribute("data-kind") == "network"
    told = explorer.get_by_role("status").first
    told.filter(has_text="which is right").wait_for()
    # What the first sentence names in bold are buttons, in the order in which they are needed.
    for name in page.locator("main p").first.locator("strong").all_inner_texts():
        explorer.get_by_role("button", name=name, exact=True).click()
        if name.startswith("Next"):
            told.filter(has_text="; right is").wait_for()
    told.filter(has_text="which is right").filter(has_text="After 1 step").wait_for()
    assert not visit.problems, "\n".join(visit.problems)


def test_the_chapters_pictures_are_of_one_size_and_in_the_page(visit):
    page = visit.open("book/index.html")
    pictures = page.locator("main .chapters img")
    sizes = pictures.evaluate_all(
        "all => all.map((i) => [i.naturalWidth > 0, i.clientWidth, i.clientHeight])"
    )
    assert len(sizes) == 6
    assert all(size == [True, *sizes[0][1:]] for size in sizes)
