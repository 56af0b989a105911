"""Numbers of figures and listings by chapter: the second figure of chapter 3 is Figure 3.2.

Sphinx counts by numbered sections, and the chapters of this book are none: their numbers stand in
the table of contents alone. So it counts through the whole book, and a new figure in chapter 1 would
change every number after it. Pages outside the chapters are counted together, without a chapter.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # tools/captions.py counts without Sphinx
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

#: From a page to a kind to the id of what is numbered.
Numbers = dict[str, dict[str, dict[str, tuple[int, ...]]]]

_CHAPTER = re.compile(r"^book/(\d+)-")


def by_chapter(through: Numbers) -> Numbers:
    """Return the numbers by chapter of what is numbered through the book."""
    counts: Counter[tuple[str, tuple[int, ...]]] = Counter()
    numbers: Numbers = {}
    for page, kinds in through.items():
        match = _CHAPTER.match(page)
        chapter = (int(match[1]),) if match else ()
        for kind, ids in kinds.items():
            for identifier in ids:
                counts[kind, chapter] += 1
                here = numbers.setdefault(page, {}).setdefault(kind, {})
                here[identifier] = (*chapter, counts[kind, chapter])
    return numbers


def _restore(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give Sphinx back what it counted the last time, to which it compares."""
    env.figures_by_chapter = env.toc_fignumbers  # type: ignore[attr-defined]
    env.toc_fignumbers = getattr(env, "figures_through_the_book", {})
    return []


def _replace(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number by chapter what Sphinx has counted; return the pages with other numbers than before."""
    before: Numbers = env.figures_by_chapter  # type: ignore[attr-defined]
    env.figures_through_the_book = env.toc_fignumbers  # type: ignore[attr-defined]
    env.toc_fignumbers = by_chapter(env.toc_fignumbers)
    return [page for page, kinds in env.toc_fignumbers.items() if kinds != before.get(page)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Count before any page is written."""
    app.connect("env-get-updated", _restore, priority=100)
    app.connect("env-get-updated", _replace, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
