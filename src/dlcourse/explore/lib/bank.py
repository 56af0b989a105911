"""The questions of the pages: one place, which pages, reviews and tests read.

``questions/CHAPTER/PAGE.toml`` has those of one page. A page shows some of them by name, and the
reviews ask all, so no question is written twice.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "questions"


@dataclass(frozen=True)
class Choice:
    """One answer.

    Attributes
    ----------
    text : str
        What it says; `backticks` make code.
    because : str
        Why it is right, or what is wrong with it; shown when it is checked.
    right : bool
        Whether it is the right one.
    """

    text: str
    because: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question of the bank.

    Attributes
    ----------
    name : str
        ``PAGE#NAME``, which never changes: browsers remember it.
    page : str
        The page that teaches it, as in ``book/PAGE.md``.
    title : str
        The heading of that page.
    question : str
        What is asked; `backticks` make code.
    choices : list of Choice
        At least two; exactly one is right.

    Raises
    ------
    ValueError
        If there are too few choices, not exactly one is right, two are the same, or one is not
        explained.
    """

    name: str
    page: str
    title: str
    question: str
    choices: list[Choice]

    def __post_init__(self) -> None:
        right = sum(choice.right for choice in self.choices)
        if len(self.choices) < 2 or right != 1:
            raise ValueError(
                "a quiz needs at least two choices, exactly one of them right; "
                f"found {len(self.choices)} choices, {right} right"
            )
        if len({choice.text for choice in self.choices}) < len(self.choices):
            raise ValueError("the choices of a quiz must differ; found the same text twice")
        for choice in self.choices:
            if not choice.because.strip():
                raise ValueError(f"every choice needs a reason, found none for {choice.text!r}")


def pages() -> list[str]:
    """Return the pages that have questions.

    Examples
    --------
    >>> "1-deeper/why-depth" in pages()
    True
    """
    return sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.toml"))


def questions(page: str) -> list[Question]:
    """Return the questions of a page, in the order of its file.

    Raises
    ------
    ValueError
        If the page has none.

    Examples
    --------
    >>> questions("1-deeper/why-depth")[0].name
    '1-deeper/why-depth#stacked-view'
    """
    if page not in pages():
        raise ValueError(f"no questions for {page!r}; there are some for {', '.join(pages())}")
    file = FOLDER / f"{page}.toml"
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    title = found.pop("title")
    return [
        Question(
            f"{page}#{name}",
            page,
            title,
            entry["question"],
            [Choice(**choice) for choice in entry["choices"]],
        )
        for name, entry in found.items()
    ]
