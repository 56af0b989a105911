"""Ten questions of a chapter and of those before it, which come back at growing intervals."""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.explore.lib.bank import Question, pages, questions
from dlcourse.explore.lib.widget import Explorer

#: The chapters in the order of the book: the folders of their pages, and their captions.
CHAPTERS = {
    "1-deeper": "1. Deeper networks",
    "2-history": "2. A small history",
    "3-speed": "3. Making it fast",
    "4-distributed": "4. Distributed training",
    "5-applications": "5. Applications",
    "6-future": "6. The future",
    "what-next": "What next",
}


@dataclass(frozen=True)
class Chapter:
    """A chapter: the folder of its pages, and its title."""

    folder: str
    title: str


@dataclass(frozen=True)
class _Data:
    """What the JavaScript chooses from."""

    chapters: list[Chapter]
    questions: list[Question]


def review() -> Explorer:
    """Return a review of all chapters, each with those before it.

    Which ten are asked depends on what the browser remembers; where it remembers nothing, the
    same reader meets the same ten.

    Examples
    --------
    >>> review()
    Review (reacts to mouse and keyboard where widgets are shown)
    """
    chapters = [Chapter(folder, title) for folder, title in CHAPTERS.items()]
    found = [question for page in pages() for question in questions(page)]
    return Explorer("review", "Review", _Data(chapters, found))
