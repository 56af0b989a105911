"""The code that the page shows is the code of the package."""

import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "book" / "3-speed" / "loops-to-products.md"


def test_code_in_the_prose_is_that_of_the_ladder():
    sources = [path.read_text() for path in (ROOT / "src/dlcourse/lessons/ladder").glob("*.py")]
    # On the page code is indented less, and a result's type is not said.
    flat = [
        "\n".join(line.strip().replace("y: np.ndarray =", "y =") for line in text.splitlines())
        for text in sources
    ]
    shown = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(shown) == 8  # one for each rung
    for code in shown:
        lines = "\n".join(line.strip() for line in dedent(code).splitlines())
        assert any(lines in text for text in flat), f"not in dlcourse.lessons.ladder:\n{code}"
