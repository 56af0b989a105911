"""Write the nbgrader source notebooks from the texts in exercises/text.

    python tools/assignments.py            writes those that are missing or out of step
    python tools/assignments.py --check    only says which, and ends with status 1 if there are any

How a text is written says `dlcourse.grading.texts`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dlcourse.grading.texts import notebook

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "exercises" / "text"
SOURCE = ROOT / "exercises" / "source"


def source_path(text: Path) -> Path:
    """Return where nbgrader looks for the assignment of a text."""
    return SOURCE / text.stem / f"{text.stem}.ipynb"


def main(check: bool) -> int:
    """Bring the source notebooks in step, or only say which are not."""
    late = []
    for text in sorted(TEXTS.glob("*.py")):
        path, wanted = source_path(text), notebook(text)
        if not path.exists() or path.read_text(encoding="utf-8") != wanted:
            late.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted, encoding="utf-8")
    for path in late:
        print(f"{path.relative_to(ROOT)} {'is out of step with its text' if check else 'written'}")
    return 1 if check and late else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    sys.exit(main(parser.parse_args().check))
