"""What hostile students hand in: each kind with what it deserves, and how to see harm.

The attacks themselves are tables of Python text, by what they are after: `hostile_marks` (marks
that were not earned), `hostile_messages` (the pipe to the judge), `hostile_machine` (processes,
memory, files, network) and `hostile_folders` (what a submission's files, names and pages can do).
In their text ``$outside`` is a folder beside the course, ``$course`` the course, ``$port`` where a
server listens, ``$mark`` a word that everything bears which an attack leaves behind.
"""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Template

import school

#: Every attack begins with this, so that a step that fails does not keep the next from being tried.
PRELUDE = """\
import contextlib, ctypes, gc, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
quiet = lambda: contextlib.suppress(BaseException)
def leak(*found):  # the message of an error is what a learner's code can show
    raise RuntimeError(" ".join(map(str, found))[:400])
"""

#: The two tasks, with the attack in every call. What `attack` returns is the answer.
INSIDE = {
    "he-normal": "def he_normal(shape, rng):\n    return attack(shape, rng)\n",
    "adam": """\
class MyAdam:
    def __init__(self, *args, **kwargs):
        self.args = args
        attack(*args, **kwargs)

    def step(self):
        return attack(*self.args)
""",
}


@dataclass(frozen=True)
class Kind:
    """A way to cheat or to do harm.

    Parameters
    ----------
    name : str
        What to call it.
    first, last : str
        Own cells after the setup and at the end.
    inside : str
        Runs in every call of the two tasks: the body of ``attack(*args, **kwargs)``.
    answers : dict
        Texts of the two tasks, where `inside` is not enough.
    honest : tuple of str
        Tasks that are answered well. Only these earn marks.
    spoilt : bool
        Whether the attack may cost the student the marks of the honest ones.
    words : str
        The answer to the open question.
    change : callable, optional
        Changes the notebook: ``change(notebook, fill)``, with `fill` for the words with a $.
    lay : callable, optional
        Changes the folder that is handed in: ``lay(folder, fill)``.
    graded : bool
        Whether it is a submission that can be graded; else it has a row that says why not.
    long : bool
        Whether it takes long.
    """

    name: str
    first: str = ""
    last: str = ""
    inside: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    honest: tuple[str, ...] = ()
    spoilt: bool = False
    words: str = ""
    change: Callable[[dict, Callable[[str], str]], None] | None = None
    lay: Callable[..., None] | None = None
    graded: bool = True
    long: bool = False

    @property
    def deserves(self):
        return float(sum(school.POINTS[task] for task in self.honest))

    def hand_in(self, course, student, words):
        """Write the submission; `words` are those that stand for a word with a $."""

        def fill(text):
            return Template(text).safe_substitute(words)

        answers = dict(INSIDE if self.inside else {}) | dict(self.answers)
        answers |= {task: school.SOLUTIONS[task] for task in self.honest}
        first = self.first
        if self.inside:
            first += "\ndef attack(*args, **kwargs):\n" + textwrap.indent(self.inside, "    ")
        first = PRELUDE + fill(first) if first else ""
        notebook = school.filled(
            course,
            {task: fill(text) for task, text in answers.items()},
            first,
            fill(self.last),
            fill(self.words),
        )
        if self.change:
            self.change(notebook, fill)
        folder = school.hand_in(course, student, notebook)
        if self.lay:
            self.lay(folder, fill)


def kinds():
    """Return every kind by its name."""
    import hostile_folders
    import hostile_machine
    import hostile_marks
    import hostile_messages

    parts = (hostile_marks, hostile_messages, hostile_machine, hostile_folders)
    found = [kind for part in parts for kind in part.KINDS]
    names = {kind.name: kind for kind in found}
    assert len(names) == len(found), "two kinds have one name"
    return names
