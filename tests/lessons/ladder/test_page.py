"""The code that the pages show is the code of the package."""

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "book" / "3-speed"
LADDER = ROOT / "src" / "dlcourse" / "lessons" / "ladder"


def test_code_in_the_prose_is_that_of_the_ladder():
    sources = [path.read_text() for path in LADDER.glob("*.py")]
    # On the page code is indented less, and a result's type is not said.
    flat = [
        "\n".join(line.strip().replace("y: np.ndarray =", "y =") for line in text.splitlines())
        for text in sources
    ]
    shown = re.findall(
        r"^```python\n(.*?)^```",
        (PAGES / "loops-to-products.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    assert len(shown) == 8  # one for each rung in Python
    for code in shown:
        lines = "\n".join(line.strip() for line in dedent(code).splitlines())
        assert any(lines in text for text in flat), f"not in dlcourse.lessons.ladder:\n{code}"


@pytest.mark.parametrize(("page", "count"), [("loops-to-products.md", 1), ("kernel.md", 5)])
def test_c_in_the_prose_is_that_of_the_ladder(page, count):
    sources = ["".join(path.read_text().split()) for path in (LADDER / "c").glob("*.c")]
    shown = re.findall(r"^```c\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)
    assert len(shown) == count
    for code in shown:
        assert any("".join(code.split()) in text for text in sources), f"not in c/:\n{code}"


def test_assembly_in_the_prose_is_that_of_the_record():
    listings = json.loads((LADDER / "kernels.json").read_text())["listings"].values()
    page = (PAGES / "kernel.md").read_text()
    shown = re.findall(r"^```nasm\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(shown) == 3
    for code in shown:
        lines = [line.partition(";")[0].strip() for line in code.splitlines()]
        assert lines in listings, f"not in kernels.json:\n{code}"
