"""Every task of the assignments names the sections of the book that teach it."""

import re
from pathlib import Path

import pytest
import yaml

nodes = pytest.importorskip("docutils.nodes", reason="Sphinx is not installed")

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted((ROOT / "exercises" / "text").glob("*.py"))
BOOK = yaml.safe_load((ROOT / "_config.yml").read_text())["html"]["baseurl"]
#: The heading of a task and its line of points; then the line in question.
TASK = re.compile(r"^# ## (Task \d+: .*)\n#\n# \*\d+ points, .*\*\n#\n# (.*)$", re.MULTILINE)
#: Sections of one page, as in `"The way back", section [Dropout](address) and [...](address)`.
PAGE = re.compile(
    r'"(?P<title>[^"]+)", section (?P<links>\[[^\]]+\]\([^)]+\)(?: and \[[^\]]+\]\([^)]+\))*)'
)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def taught(text):
    """Yield for each task its heading and the line below its points."""
    yield from TASK.findall(text.read_text(encoding="utf-8"))


def sections(line):
    """Yield the title of the page, heading and address of each section that a line names."""
    for page in PAGE.finditer(line):
        for heading, address in LINK.findall(page["links"]):
            yield page["title"], heading, address


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_each_task_names_a_section_that_is_there(text):
    headings = re.findall(r"^# ## (Task \d+: .*)$", text.read_text(), re.MULTILINE)
    lines = dict(taught(text))
    assert list(lines) == headings
    toc = (ROOT / "_toc.yml").read_text()
    for task, line in lines.items():
        said = line.removeprefix("Taught in: ")
        assert said != line, f"{task}: the line below its points begins with 'Taught in: '"
        assert "; ".join(m[0] for m in PAGE.finditer(said)) == said, f"{task}: {line}"
        for title, heading, address in sections(said):
            page, anchor = address.removeprefix(BOOK).split(".html#")
            assert f"file: {page}\n" in toc, f"{task}: the book has no page {page}"
            prose = FENCED.sub("", (ROOT / f"{page}.md").read_text(encoding="utf-8"))
            assert re.search(rf"^# {re.escape(title)}$", prose, re.MULTILINE), (task, title)
            assert re.search(rf"^##+ {re.escape(heading)}$", prose, re.MULTILINE), (task, heading)
            assert anchor == nodes.make_id(heading), f"{task}: {address}"


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_the_table_of_the_book_names_the_same_pages(text):
    (table,) = (ROOT / "book").glob(f"{text.stem[2]}-*/exercises.md")
    rows = re.findall(r"^\| .* \| \d+ \| \d+ \| .* \| (.*) \|$", table.read_text(), re.MULTILINE)
    lines = dict(taught(text))
    assert len(rows) == len(lines)
    for row, (task, line) in zip(rows, lines.items(), strict=True):
        named = [(table.parent / f"{page}.md").resolve() for page in re.findall(r"<(.*?)>", row)]
        wanted = [place[2].removeprefix(BOOK).split(".html#")[0] for place in sections(line)]
        assert named == [ROOT / f"{page}.md" for page in dict.fromkeys(wanted)], task


def test_all_links_of_tasks_lead_to_a_section_of_the_built_book(html):
    places = [place for text in TEXTS for _, line in taught(text) for place in sections(line)]
    assert len(places) >= 56
    for _, heading, address in places:
        page, anchor = address.removeprefix(BOOK).split("#")
        built = (html / page).read_text(encoding="utf-8")
        assert f'id="{anchor}"' in built, f"{page} has no section {heading!r}"
