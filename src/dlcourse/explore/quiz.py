"""Questions in the page: one right answer, and every choice explained.

jupyterquiz was tried first: its choices are not form elements with names and states that a screen
reader can announce, its answers are not announced, and it may load a script from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.explore.lib.bank import Choice, Question, questions
from dlcourse.explore.lib.widget import Explorer

__all__ = ["Choice", "Quiz", "quiz"]


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows; without a name, nothing of it is remembered."""

    name: str
    question: str
    choices: list[Choice]


class Quiz(Explorer):
    """A question with radio buttons, which needs no kernel.

    Parameters
    ----------
    question : str
        What is asked; `backticks` make code.
    choices : sequence of Choice
        At least two; exactly one is right.
    name : str, optional
        By which the browser remembers the answer, where the reader wants that.

    Raises
    ------
    ValueError
        If there are too few choices, not exactly one is right, two are the same, or one is not
        explained.

    Examples
    --------
    >>> Quiz("What is 2 + 2?", [Choice("4", "Count.", right=True), Choice("5", "One too many.")])
    Question: What is 2 + 2?
    """

    def __init__(self, question: str, choices: Sequence[Choice], name: str = "") -> None:
        checked = Question(name, "", "", question, list(choices))
        super().__init__("quiz", "Question", _Data(name, checked.question, checked.choices))

    def __repr__(self) -> str:
        """Return what is shown where there are no widgets."""
        return f"{self.title}: {self.data['question']}"


def quiz(page: str, name: str) -> Quiz:
    """Return a question of the bank, ``explore/questions``.

    Parameters
    ----------
    page : str
        The page that asks it, as in ``book/PAGE.md``.
    name : str
        Its name in ``questions/PAGE.toml``.

    Raises
    ------
    ValueError
        If there is no such page or question.

    Examples
    --------
    >>> quiz("5-applications/detection", "iou-number")
    Question: Two boxes of 10 x 10 overlap in 5 x 10. What is their IoU?
    """
    of_page = questions(page)
    for question in of_page:
        if question.name == f"{page}#{name}":
            return Quiz(question.question, question.choices, question.name)
    names = ", ".join(question.name.partition("#")[2] for question in of_page)
    raise ValueError(f"{page} has no question {name!r}; it has {names}")
