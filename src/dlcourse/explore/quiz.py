"""Questions in the page: one right answer, and every choice explained.

jupyterquiz was tried first: its choices are not form elements with names and states that a screen
reader can announce, its answers are not announced, and it may load a script from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer


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
class _Data:
    """What the JavaScript shows."""

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

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        right = sum(choice.right for choice in choices)
        if len(choices) < 2 or right != 1:
            raise ValueError(
                "a quiz needs at least two choices, exactly one of them right; "
                f"found {len(choices)} choices, {right} right"
            )
        if len({choice.text for choice in choices}) < len(choices):
            raise ValueError("the choices of a quiz must differ; found the same text twice")
        for choice in choices:
            if not choice.because.strip():
                raise ValueError(f"every choice needs a reason, found none for {choice.text!r}")
        super().__init__("quiz", "Question", _Data(question, list(choices)))

    def __repr__(self) -> str:
        """Return what is shown where there are no widgets."""
        return f"{self.title}: {self.data['question']}"
