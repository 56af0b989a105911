"""The learner's cells, laid into the teacher's notebook: what the judge goes through.

Setup and tests are always the teacher's. The learner's cells run in the learner's order, and the
tests in the teacher's: those of a task as soon as all answers to it and to the tasks before it
have run, and not before the place where the learner's notebook has them. So a cell may be copied,
split, joined with others or moved, and what the notebook says when all of it is run is what counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlcourse.grading.master import Master, arguments, definitions, understood
from dlcourse.grading.notebooks import Unreadable
from dlcourse.grading.outline import HIDDEN
from dlcourse.grading.python import dump, parsed, plain, replaced
from dlcourse.grading.submission import Submission, shown

_DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
_NO_WORDS = "YOUR ANSWER HERE"
#: More statements than these, added to the setup, are not run one by one.
_MOST_ADDED = 200
_MOST_WORDS = 100_000


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


@dataclass(eq=False)
class _Read:
    """A cell of code as it was understood."""

    name: str | None
    text: str
    tree: ast.Module | None
    left: list[ast.stmt] = field(default_factory=list)  # statements that are not the teacher's
    tasks: set[int] = field(default_factory=set)  # what it answers
    tests: set[int] = field(default_factory=set)  # the tasks whose tests stand here
    is_test: bool = False
    is_setup: bool = False
    edited: bool = False

    def source(self) -> str:
        """Return what is to be run of it."""
        if self.tree is None:
            return "" if self.is_test else self.text
        left = set(map(id, self.left))
        gone = ((node, "pass") for node in self.tree.body if id(node) not in left)
        return replaced(self.text, gone) if left else ""


def lay(master: Sequence[dict[str, Any]], submission: Submission) -> Plan:
    """Lay a submission into the teacher's notebook.

    Parameters
    ----------
    master : sequence of dict
        The cells of ``source/NAME/NAME.ipynb``, with solutions and hidden tests.
    submission : Submission
        What was handed in.

    Raises
    ------
    Unreadable
        If the submission has nothing of this assignment in it.
    """
    teacher = understood(master)
    remarks = list(submission.remarks)
    reads = _reads(submission, teacher, remarks)
    _find_answers(reads, teacher, remarks)
    words = _words(submission, teacher, remarks)
    _look_at_marks(submission, reads, words, teacher, remarks)
    names = [task.name for task in teacher.tasks]
    answers: dict[str, list[str]] = {name: [] for name in names}
    steps = [Step("setup", name, text) for name, text in teacher.setup.items()]
    run: list[tuple[int, Step]] = []  # the learner's, with the place of their cell
    last = [-1] * len(names)  # the place that the tests of each task wait for
    for place, read in enumerate(reads):
        source = read.source()
        for task in read.tasks:
            answers[names[task]].append(source)
        if read.is_setup:
            steps += _added(read, source, teacher)
            continue
        for task in read.tasks | read.tests - {-1}:
            last[task] = place
        if source.strip():
            title = names[min(read.tasks)] if read.tasks else ""
            run.append((place, Step("theirs", read.name if read.name in names else title, source)))
    reached, done = -1, 0
    for test in teacher.tests:
        reached = max([reached, *last[: test.task + 1]])
        while done < len(run) and run[done][0] <= reached:
            steps.append(run[done][1])
            done += 1
        steps.append(Step("test", test.name, test.source, test.points))
    # What comes after the last test cannot change a mark, and is not run.
    joined = {name: "\n\n".join(filter(None, texts)) for name, texts in answers.items()}
    return Plan(tuple(steps), words, joined, tuple(remarks))


def _reads(submission: Submission, teacher: Master, remarks: list[str]) -> list[_Read]:
    """Return the cells of code; the halves of a statement that was cut in two are one again."""
    answers = {task.name for task in teacher.tasks}
    reads: list[_Read] = []
    for cell in submission.cells:
        short = len(cell.source) <= _MOST_WORDS
        if cell.kind != "code" and not (short and _DEFINES.search(cell.source)):
            continue
        text = plain(cell.source)
        tree = parsed(text)
        if cell.kind != "code":
            if not teacher.owners.keys() & _names(text, tree):
                continue
            remarks.append(f"{_title(cell.name)} was turned into text; it was run as code")
        elif cell.name in teacher.questions and cell.name not in answers:
            continue
        before = reads[-1] if reads and tree is None else None
        inside = text.lstrip("\n").startswith((" ", "\t"))
        if before and (cell.name == before.name or (inside and not before.is_test)):
            joined = f"{before.text}\n{text}"
            if whole := parsed(joined):
                reads[-1] = _read(before.name, joined, whole, teacher)
                remarks.append(f"{_title(before.name)} was cut in two; it was run as one")
                continue
        reads.append(_read(cell.name, text, tree, teacher))
    return reads


def _read(name: str | None, text: str, tree: ast.Module | None, teacher: Master) -> _Read:
    read = _Read(name, text, tree)
    here = {test.task for test in teacher.tests if test.name == name}
    read.tests, read.is_test, read.is_setup = here, bool(here), name in teacher.setup
    if tree is None:
        names = _names(text, None) & teacher.helpers.keys()
        read.is_test |= any(name.startswith("test") for name in names)
        read.edited = read.is_test
        return read
    dumps = [dump(node) for node in tree.body]
    known = [teacher.tested[one] for one in dumps if one in teacher.tested]
    # A statement that several tests share does not say whose test this is.
    read.tests.update(*(numbers for numbers in known if len(numbers) == 1))
    read.is_setup |= len(teacher.given) < 2 * sum(one in teacher.given for one in set(dumps))
    own = [
        node
        for node, one in zip(tree.body, dumps, strict=True)
        if one not in teacher.tested and one not in teacher.given and not isinstance(node, ast.Pass)
    ]
    read.left = own
    if known or read.is_test:
        read.left = [node for node in own if not _of_a_test(node, teacher)]
        if read.is_test and not teacher.owners.keys() & _names("", ast.Module(read.left, [])):
            read.left = []
        read.edited = len(read.left) < len(own)
    return read


def _of_a_test(node: ast.stmt, teacher: Master) -> bool:
    """Return whether a statement defines what a test defines: then it is one that was edited."""
    return any(
        name in teacher.helpers and arguments(at) == arguments(teacher.helpers[name])
        for name, at in definitions(node)
    )


def _find_answers(reads: list[_Read], teacher: Master, remarks: list[str]) -> None:
    """Find which cells answer which tasks, and take out stubs of what another cell answers."""
    numbers = {task.name: number for number, task in enumerate(teacher.tasks)}
    found: dict[str, list[tuple[_Read, ast.stmt | None]]] = {name: [] for name in teacher.owners}
    for read in reads:
        if read.name in numbers:
            read.tasks.add(numbers[read.name])
        defined: list[tuple[str, ast.stmt | None]] = [
            one for node in read.left for one in definitions(node)
        ]
        if read.tree is None and not read.is_test:
            defined = [(name, None) for name in sorted(_names(read.text, None))]
        for name, at in defined:
            if name in found:
                found[name].append((read, at))
    for name, places in found.items():
        stub = teacher.tasks[teacher.owners[name]].stubs[name]
        untouched = dump(stub)
        stubs = [(read, at) for read, at in places if at and dump(at) == untouched]
        real = [(read, at) for read, at in places if not at or dump(at) != untouched]
        whole = [place for place in real if not isinstance(place[1], ast.Assign | ast.AnnAssign)]
        # A function with other arguments is one of the learner's own, if there is a better one.
        alike = [place for place in whole if arguments(place[1]) in (None, arguments(stub))]
        answers = alike or whole or real
        for read, _ in answers or stubs:
            read.tasks.add(teacher.owners[name])
        for read, at in stubs if answers else ():
            read.left = [node for node in read.left if node is not at]
        cells = len({id(read) for read, _ in answers})
        if cells > 1:
            remarks.append(f"{name} is there in {cells} cells; the last one counts")
    if missing := [name for name, places in found.items() if not places]:
        remarks.append(f"no cell defines {', '.join(missing)}")


def _look_at_marks(
    submission: Submission,
    reads: list[_Read],
    words: dict[str, str],
    teacher: Master,
    remarks: list[str],
) -> None:
    """Say what is to be known of the names of cells, and of tests that are not as they were."""
    theirs = {cell.name for cell in submission.cells if cell.name}
    own = {task.name for task in teacher.tasks} | {test.name for test in teacher.tests}
    known = own | teacher.setup.keys() | set(teacher.questions)
    pasted = sorted(name for name in theirs - known if not name.startswith("cell-"))
    recognized = own & theirs or any(read.tasks for read in reads)
    if not recognized and (pasted or not any(words.values())):
        raise Unreadable(
            f"{submission.file} has none of the cells of the assignment; is it another notebook?"
        )
    if pasted:
        names = ", ".join(map(shown, pasted[:5])) + (", ..." if len(pasted) > 5 else "")
        remarks.append(f"cells of another assignment were run as the learner's own: {names}")
    if not theirs & known:
        remarks.append("nbgrader's names of the cells are lost; they were found by their contents")
    edited = {number for read in reads if read.edited for number in read.tests}
    deleted = {test.task for test in teacher.tests}.difference(*(read.tests for read in reads))
    here = {dump(node) for read in reads if read.tree for node in read.tree.body}
    for test in teacher.tests:
        if HIDDEN in test.source:
            continue  # learners never had its statements
        tree = parsed(plain(test.source))
        statements = {dump(node) for node in tree.body} if tree else set()
        if not statements <= here:
            found = theirs & {test.name} or statements & here
            (edited if found else deleted).add(test.task)
    for what, numbers in (
        ("that differ from the teacher's were not run", edited),
        ("are missing, and the teacher's were run", deleted),
    ):
        names = ", ".join(teacher.tasks[number].name for number in sorted(numbers - {-1}))
        if names:
            remarks.append(f"tests {what}: {names}")


def _added(read: _Read, source: str, teacher: Master) -> Iterator[Step]:
    """Yield what was added to the setup: each statement by itself, since one may not work here."""
    try:
        texts = [ast.unparse(node) for node in read.left[: _MOST_ADDED + 1]]
    except RecursionError:
        texts = []
    if read.tree is not None and len(texts) == len(read.left):
        for node, text in zip(read.left, texts, strict=True):
            owned = [name for name, _ in definitions(node) if name in teacher.owners]
            name = teacher.tasks[teacher.owners[owned[0]]].name if owned else "setup"
            yield Step("theirs", name, text)
    elif source.strip():
        yield Step("theirs", "setup", source)


def _words(submission: Submission, teacher: Master, remarks: list[str]) -> dict[str, str]:
    """Return the answers in words: what stands in their cells, or below their questions."""
    said: dict[str, list[str]] = {name: [] for name in teacher.questions}
    current: str | None = None
    for cell in submission.cells:
        lines = cell.source.strip().splitlines()
        text = teacher.texts.get(lines[0].strip()) if lines else None
        if cell.name in said:
            current = cell.name
        elif cell.name is not None:
            current = None
        elif cell.kind == "code" and parsed(plain(cell.source)):
            continue
        elif text is not None:
            current = text.question
            lines = [line for line in lines if line.strip() not in text.lines]
        answer = "\n".join(line for line in lines if line.strip() != _NO_WORDS).strip()
        if current is not None and answer:
            said[current].append(answer)
    words = {name: "\n\n".join(texts) for name, texts in said.items()}
    for name, answer in words.items():
        if len(answer) > _MOST_WORDS:
            words[name] = answer[:_MOST_WORDS]
            remarks.append(f"the answer {name} has {len(answer):,} characters; it was cut off")
    return words


def _names(text: str, tree: ast.Module | None) -> set[str]:
    """Return what a cell defines, as far as can be told where it is no Python."""
    if tree is None:
        return set(_DEFINES.findall(text))
    return {name for node in tree.body for name, _ in definitions(node)}


def _title(name: str | None) -> str:
    return f"the cell {shown(name)}" if name else "a cell"
