"""Making a course: its assignments from the texts, with hidden tests that only its secret tells.

The texts lie in the public repository, solutions and hidden tests included. So a course can have a
secret. From it follow, for each hidden test, the key that is mixed into its seeds, the cases that
`dlcourse.check.drawn` adds, and which of its variants is taken. Learners get the same notebooks
with every secret and without one.

A private folder, the *overlay*, may hold texts of the teacher's own. One with a setup cell is an
assignment, and replaces the public one of that name. One without is a supplement: its cells
``# %% nbgrader="TASK hidden"`` are added to the hidden tests of that assignment.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.apps import NbGraderAPI

import dlcourse
from dlcourse.distributed.single import available_cores
from dlcourse.files import atomic_write, read_json
from dlcourse.grading import texts
from dlcourse.grading.gradebook import alembic_found, configuration
from dlcourse.grading.jobs import alone
from dlcourse.grading.mixing import key, with_key
from dlcourse.grading.notebooks import cell_of
from dlcourse.grading.plan import lay
from dlcourse.grading.runner import JobError, side_by_side
from dlcourse.grading.running import SandboxError
from dlcourse.grading.sandbox import choose
from dlcourse.grading.submission import Submission
from dlcourse.grading.work import Class

#: The public course; its texts are what every course is made from.
PUBLIC = Path(dlcourse.__file__).resolve().parents[2] / "exercises"
#: What a course was made with, for the next time; for the teacher's eyes only.
MADE_WITH = "made-with.json"
SHORTEST = 12


@dataclass(frozen=True)
class Origin:
    """What an assignment is made from: a text, and what the overlay adds to its hidden tests."""

    text: Path
    added: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the assignment."""
        return self.text.stem


def make(
    course: Path,
    secret: str | None = None,
    overlay: Path | None = None,
    *,
    public: Path = PUBLIC,
    say: Callable[[str], None] = print,
) -> None:
    """Make a course, or make it again.

    Parameters
    ----------
    course : Path
        The folder of the course. It is made if it is not there; ``source/``, ``release/`` and the
        gradebook are written in it.
    secret : str, optional
        What hidden tests are drawn from. The same secret gives the same course.
    overlay : Path, optional
        A private folder with texts of the teacher's own.
    public : Path
        The folder with the public texts.
    say : callable
        Is told what is being done.

    Raises
    ------
    ValueError
        If a text is wrong, or a secret; or if the model solution of a task does not pass its own
        tests in the way in which submissions are graded.
    """
    secret, overlay = _remembered(course, secret, overlay)
    if course.resolve() == public.resolve() and (secret or overlay):
        raise ValueError(
            f"{course}: expected a folder of its own for a course with a secret or an overlay, "
            "found the public one, which is in the repository; name another: COURSE=course"
        )
    origins = collect_texts(public / "text", overlay)
    notebooks = {origin.name: master(origin, secret) for origin in origins}
    course.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(course):
        _remember(course, secret, overlay)
        if not (course / "nbgrader_config.py").exists():
            shutil.copy(public / "nbgrader_config.py", course)
        for name, notebook in notebooks.items():
            with atomic_write(source_path(course, name)) as file:
                file.write(notebook.encode())
        _release(course, list(notebooks), say)
        say("Model solutions are graded as submissions will be, to see that every test can be.")
        if problems := prove(course, list(notebooks), say):
            raise ValueError("\n".join(problems))
    kind = "with a secret" if secret else "public, with the hidden tests of the repository"
    say(f"The course is in {course}, {kind}; give learners the notebooks in {course / 'release'}.")


def source_path(course: Path, name: str) -> Path:
    """Return where the teacher's notebook of an assignment lies."""
    return course / "source" / name / f"{name}.ipynb"


# What a course is made from.


def collect_texts(folder: Path, overlay: Path | None) -> list[Origin]:
    """Return what each assignment is made from, by name."""
    found = {path.stem: Origin(path) for path in folder.glob("*.py")}
    if not found:
        raise ValueError(
            f"{folder}: expected the texts of the assignments, found none; make courses in a clone "
            "of the repository, with dlcourse installed from there, as `make grading` does"
        )
    supplements = []
    if overlay is not None:
        own = sorted(overlay.glob("*.py"))
        if not own:
            raise ValueError(
                f"{overlay}: expected a folder with texts of assignments (*.py), found none; "
                "correct OVERLAY="
            )
        for path in own:
            _, marks = texts.read(path)
            if any(mark and mark.kind == "setup" for mark in marks):
                found[path.stem] = Origin(path)
            else:
                supplements.append(path)
    for path in supplements:
        if path.stem not in found:
            raise ValueError(
                f"{path}: expected a setup cell, or the name of one of the assignments "
                f"{', '.join(sorted(found))}, found neither; write one, or rename the file"
            )
        text = found[path.stem].text
        found[path.stem] = Origin(text, _supplement(path, text))
    return [found[name] for name in sorted(found)]


def _supplement(path: Path, text: Path) -> dict[str, list[str]]:
    """Return what is added to the hidden test of each task."""
    tasks = {mark.task for mark in texts.read(text)[1] if mark and mark.kind == "hidden"}
    content, marks = texts.read(path)
    added: dict[str, list[str]] = {}
    for cell, mark in zip(content.cells, marks, strict=True):
        if mark is None:
            continue
        if mark.kind != "hidden" or mark.points or mark.task not in tasks:
            raise ValueError(
                f'{path}: expected nbgrader="TASK hidden" without points, TASK one of '
                f"{', '.join(sorted(tasks))}, found {' '.join(map(str, mark))!r}; what is added "
                "belongs to the hidden test of a task, and has no points of its own"
            )
        added.setdefault(mark.task, []).append(cell.source)
    return added


# What follows from the secret.


def master(origin: Origin, secret: str | None) -> str:
    """Return the teacher's notebook of an assignment, with the hidden tests of this course."""

    def choose(task: str, variants: Sequence[str]) -> str:
        chosen = variants[0]
        if secret is not None:
            chosen = variants[key(secret, origin.name, task, "variant") % len(variants)]
        source = "\n\n\n".join([chosen, *origin.added.get(task, [])])
        if secret is None:
            return source
        return with_key(source, key(secret, origin.name, task))

    return texts.notebook(origin.text, choose)


# The private file.


def _remembered(
    course: Path, secret: str | None, overlay: Path | None
) -> tuple[str | None, Path | None]:
    """Return secret and overlay, as given or as this course was made with before."""
    secret = secret or None
    if secret is not None and len(secret) < SHORTEST:
        raise ValueError(
            f"expected a secret of at least {SHORTEST} characters, found {len(secret)}; "
            "`openssl rand -hex 16` makes one"
        )
    path = course / MADE_WITH
    if path.exists():
        before = read_json(
            path, "what a course was made with", "remove it and make the course again"
        )
        if secret and before.get("secret") and secret != before["secret"]:
            raise ValueError(
                f"{course}: expected the secret that this course was made with, found another, "
                "which would change hidden tests and marks; leave SECRET= out to use the one in "
                f"{MADE_WITH}, or make another course: COURSE=..."
            )
        secret = secret or before.get("secret")
        overlay = overlay or (Path(before["overlay"]) if before.get("overlay") else None)
    return secret, overlay.resolve() if overlay else None


def _remember(course: Path, secret: str | None, overlay: Path | None) -> None:
    """Write the private file, which only its owner may read and git leaves alone."""
    if secret is None and overlay is None:
        return
    path = course / MADE_WITH
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"secret": secret, "overlay": overlay and str(overlay)}, file)
    os.replace(new, path)
    ignored = course / ".gitignore"
    if not ignored.exists():
        ignored.write_text(f"{MADE_WITH}\n")


# What the notebooks go through.


def _release(course: Path, names: Sequence[str], say: Callable[[str], None]) -> None:
    """Let nbgrader cut solutions and hidden tests out, and remember every cell."""
    with alembic_found():
        api = NbGraderAPI(config=configuration(course))
        for name in names:
            say(f"{name}: writing what learners get")
            done = api.generate_assignment(name, force=True)
            if not done["success"]:
                said = (done.get("error") or done.get("log") or "").strip().splitlines()
                raise ValueError(
                    f"{name}: expected nbgrader to write what learners get, found: "
                    f"{said[-1] if said else 'no message'}; run `nbgrader generate_assignment "
                    f"{name}` in {course} to see more"
                )


def prove(course: Path, names: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Grade the model solutions as submissions are graded, in a sandbox if there is one.

    Returns
    -------
    list of str
        A sentence for each test that does not give them all its points, for example because what
        it hands to the learner's function cannot cross to another process.
    """
    try:
        choose()
        without_sandbox = False
    except SandboxError:
        without_sandbox = True  # these are the teacher's own programs
    specs, seconds = {}, 0.0
    for name in names:
        group = Class(course, name, without_sandbox=without_sandbox)
        seconds = 60 * group.settings.job_minutes
        handed_in = Submission(tuple(map(cell_of, group.master)), name)
        specs[name] = group.spec(lay(group.master, handed_in), name)
    problems: list[str] = []
    jobs = side_by_side(
        specs, course / "results" / "running", seconds=seconds, workers=len(available_cores())
    )
    for name, result in jobs:
        if isinstance(result, JobError):
            problems.append(f"{name}: the model solutions could not be graded: {result}")
            continue
        lost = [test for test in json.loads(result)["tests"] if test["points"] < test["of"]]
        say(f"{name}: {f'{len(lost)} tests do not pass' if lost else 'all tests pass'}")
        problems += [
            f"{name}: expected the model solution to pass {test['name']}, found: {test['message']} "
            "(correct the test or the solution in the text)"
            for test in lost
        ]
    return sorted(problems)
