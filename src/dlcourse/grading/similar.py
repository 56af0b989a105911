"""Answers that are nearly the same: a reason to read them side by side, never a verdict.

Names, comments and layout are set aside. Then two answers have to agree in nearly all of their
text, and in enough of it that neither the teacher nor many of the class wrote as well: short tasks
leave little choice, and right answers to them look alike.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

#: Two answers are nearly the same if they share this part of their text,
ALIKE = 0.9
#: and at least so many places that are peculiar to them: runs of `RUN` tokens that are neither
#: the teacher's nor found in more than `COMMON` of the answers.
PECULIAR = 24
RUN = 8
COMMON = 0.2
#: So long an answer is compared by its beginning.
_MOST_TOKENS = 4_000


@dataclass(frozen=True)
class Alike:
    """Learners whose answers to some tasks are nearly the same.

    Attributes
    ----------
    students : tuple of str
        Two or more, in order.
    tasks : dict
        For each task, how much of their text the two least similar neighbours share.
    """

    students: tuple[str, ...]
    tasks: dict[str, float]


def tokens(code: str) -> list[str]:
    """Return what is left of a program without names, comments, docstrings and layout.

    What follows a dot keeps its name (``np.pad`` is an idea, ``padded`` is a name), and so do
    numbers. A program with a mistake in it is read as far as it goes.

    Examples
    --------
    >>> tokens("def f(x):  # doubled\\n    return np.add(x, x)")
    ['def', '_', '(', '_', ')', ':', 'return', '_', '.', 'add', '(', '_', ',', '_', ')']
    >>> tokens("def g( value ):\\n  '''Double.'''\\n  return xp.add(value,value)") == tokens(
    ...     "def f(x):\\n    return np.add(x, x)"
    ... )
    True
    """
    found: list[str] = []
    starts_line = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in _LAYOUT:
                starts_line = starts_line or token.type == tokenize.NEWLINE
                continue
            text = token.string
            if token.type == tokenize.NAME and not keyword.iskeyword(text):
                text = text if found[-1:] == ["."] else "_"
            if token.type == tokenize.STRING:
                text = "''"
            if not (starts_line and token.type == tokenize.STRING):
                found.append(text)
            starts_line = False
            if len(found) == _MOST_TOKENS:
                break
    except (tokenize.TokenError, SyntaxError):
        pass  # as far as it goes
    return found


_LAYOUT = (
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    tokenize.ENDMARKER,
)


def find(
    answers: Mapping[str, Mapping[str, str]], background: Mapping[str, Sequence[str]]
) -> list[Alike]:
    """Return groups of learners with nearly the same answers, those with the most tasks first.

    Parameters
    ----------
    answers : mapping
        For each learner, the code of each task.
    background : mapping
        For each task, texts that everybody may share: what was released, and the teacher's
        solution.

    Examples
    --------
    >>> find({"ann": {"t": "x = 1"}, "bo": {"t": "y = 1"}}, {})  # too short to say anything
    []
    """
    tasks = sorted({task for of_one in answers.values() for task in of_one})
    groups: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for task in tasks:
        written = {s: tokens(of_one[task]) for s, of_one in answers.items() if task in of_one}
        teacher = [tokens(text) for text in background.get(task, ())]
        for students, share in _groups(written, teacher):
            groups[students][task] = share
    found = [Alike(students, shares) for students, shares in groups.items()]
    return sorted(found, key=lambda one: (-len(one.tasks), one.students))


def _groups(
    written: Mapping[str, list[str]], teacher: Sequence[list[str]]
) -> list[tuple[tuple[str, ...], float]]:
    """Return the groups of learners with nearly the same answer to one task."""
    students = sorted(written)
    runs = [_runs(written[s]) for s in students]
    # How many wrote each run; what the teacher wrote is nobody's own.
    count = Counter(run for of_one in runs for run in of_one)
    most = max(3, COMMON * len(students))
    common = {run for run, times in count.items() if times > most}
    common.update(*map(_runs, teacher))
    own = [of_one - common for of_one in runs]
    # Only who has enough of his own can be like another.
    rows = [i for i, of_one in enumerate(own) if len(of_one) >= PECULIAR]
    if len(rows) < 2:
        return []
    numbers: dict[str, int] = {}
    codes = [[numbers.setdefault(t, len(numbers)) for t in written[students[i]]] for i in rows]
    shares = cdist(
        codes, codes, scorer=Indel.normalized_similarity, score_cutoff=ALIKE, dtype=np.float32
    )
    groups: dict[int, tuple[set[int], float]] = {}
    for a, b in zip(*np.nonzero(np.triu(shares, 1)), strict=True):
        if len(own[rows[a]] & own[rows[b]]) < PECULIAR:
            continue
        first, one = groups.get(a, ({a}, 1.0))
        second, other = groups.get(b, ({b}, 1.0))
        merged = (first | second, min(one, other, float(shares[a, b])))
        groups.update(dict.fromkeys(merged[0], merged))
    unique = {id(group): group for group in groups.values()}.values()
    return [(tuple(students[rows[i]] for i in sorted(who)), share) for who, share in unique]


def _runs(of_one: list[str]) -> set[tuple[str, ...]]:
    return {tuple(of_one[i : i + RUN]) for i in range(len(of_one) - RUN + 1)}
