"""The learner's cells, laid into the teacher's notebook: what the judge goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlcourse.grading.submission import Submission


@dataclass(frozen=True)
class Step:
    """One step of grading.

    Attributes
    ----------
    kind : str
        ``setup``, the teacher's text for judge and worker; ``theirs``, the learner's for the
        worker; ``test``, the teacher's for the judge.
    name : str
        The grade_id; of a learner's cell that of the task it answers, "setup" for what was added
        to the setup, "" for a cell of their own.
    source : str
        Plain Python, if the learner wrote Python.
    points : float
        What a test is worth.
    """

    kind: str
    name: str
    source: str
    points: float = 0.0


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what is not run.

    Attributes
    ----------
    steps : tuple of Step
        What the judge goes through.
    words : dict
        The learner's answer to each open question by grade_id, "" if there is none.
    answers : dict
        The learner's code for each task by grade_id, "" if there is none.
    remarks : tuple of str
        What a teacher should know, a sentence each.
    """

    steps: tuple[Step, ...]
    words: dict[str, str]
    answers: dict[str, str]
    remarks: tuple[str, ...] = ()


def lay(master: Sequence[dict[str, Any]], submission: Submission) -> Plan:
    """Lay a submission into the teacher's notebook; may raise `Unreadable`."""
    raise NotImplementedError
