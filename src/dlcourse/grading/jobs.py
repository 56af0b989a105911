"""Grading a class: one job for each submission, several side by side, none done twice.

Whoever has a result (see `dlcourse.grading.work`) is not graded again, so a run that was ended,
however, goes on where it was. One process, `grade` or `merge` and never two at once, writes results
to the gradebook, to ``autograded/`` and to the table; `share` makes results alone, on any machine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dlcourse.distributed.single import available_cores
from dlcourse.files import locked
from dlcourse.grading import table
from dlcourse.grading.ledger import Ledger
from dlcourse.grading.runner import JobError, side_by_side
from dlcourse.grading.running import SandboxError
from dlcourse.grading.sandbox import choose
from dlcourse.grading.table import Row
from dlcourse.grading.work import Class, Work
from dlcourse.training.progress import progress_bar

#: The key of a job, and its result if there is one.
_Told = tuple[str, dict[str, Any] | None]


def grade(
    course: Path,
    assignment: str,
    *,
    students: Sequence[str] = (),
    again: bool = False,
    workers: int | None = None,
    without_sandbox: bool = False,
    scheduler: str | None = None,
    progress: bool = False,
) -> list[Row]:
    """Grade what has not been graded; write the gradebook and ``grades/ASSIGNMENT.csv``.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.
    students : sequence of str
        Grade these alone; the others keep what they have. All if it is empty.
    again : bool
        Grade also what has been graded.
    workers : int, optional
        Jobs at the same time; one per core if not given.
    without_sandbox : bool
        Run what was handed in as any program of the teacher's. The table says so.
    scheduler : str, optional
        The address of a scheduler of dask.distributed, whose workers run the jobs instead.
    progress : bool
        Show a bar.

    Returns
    -------
    list of Row
        One for everyone.

    Raises
    ------
    ValueError
        If it cannot begin: one sentence says why. What goes wrong with one submission is in its
        row.
    """
    with alone(course):
        group = Class(course, assignment, without_sandbox=without_sandbox)
        chosen = set(students or group.students)
        if unknown := sorted(chosen - set(group.students)):
            raise ValueError(
                f"expected the names of students in {course / 'submitted'}, found {unknown[0]!r}"
            )
        if again:
            group.ask_again(chosen)
        everyone = group.work()
        todo = _missing(group, [work for work in everyone if work.student in chosen])
        jobs = _run(group, todo, "running", without_sandbox, workers, scheduler, progress)
        with closing(jobs):
            rows = _settle(group, everyone, chosen, jobs)
        group.finish(chosen)
    return rows


def merge(course: Path, assignment: str) -> list[Row]:
    """Write the gradebook and the table from the results that are there, and run nothing.

    Parameters
    ----------
    course : Path
        The folder of the course.
    assignment : str
        The assignment.

    Returns
    -------
    list of Row
        One for everyone.
    """
    with alone(course):
        group = Class(course, assignment, without_sandbox=True)
        return _settle(group, group.work(), set(group.students), ())


def share(
    course: Path,
    assignment: str,
    number: int,
    of: int,
    *,
    workers: int | None = None,
    without_sandbox: bool = False,
    progress: bool = False,
) -> list[str]:
    """Run every `of`-th job and keep its result; `merge` does the rest.

    Parameters
    ----------
    course, assignment, workers, without_sandbox, progress
        As for `grade`.
    number, of : int
        Which share of how many; the first is 0.

    Returns
    -------
    list of str
        Why there are jobs without a result, a sentence each.
    """
    if not 0 <= number < of:
        raise ValueError(f"expected a share of 0/{of} to {of - 1}/{of}, found {number}/{of}")
    group = Class(course, assignment, without_sandbox=without_sandbox)
    everyone = group.work()
    # Of all jobs, whether done or not: so every machine counts the same ones.
    mine = set(sorted({work.key for work in everyone if work.key})[number::of])
    todo = _missing(group, [work for work in everyone if work.key in mine])
    running = f"running-{number}-{of}"
    with closing(_run(group, todo, running, without_sandbox, workers, None, progress)) as jobs:
        return [group.failure(key) for key, found in jobs if found is None]


def _missing(group: Class, works: Iterable[Work]) -> dict[str, str]:
    """From the keys of the results that are not there to the jobs that make them."""
    return {work.key: work.spec for work in works if work.key and not group.result(work.key)}


def _run(
    group: Class,
    specs: dict[str, str],
    running: str,
    without_sandbox: bool,
    workers: int | None,
    scheduler: str | None,
    progress: bool,
) -> Generator[_Told]:
    """Run jobs, keep their results, and give each as it comes."""
    if not specs:
        return
    if scheduler is None:
        try:
            choose(without_sandbox)
        except SandboxError as reason:
            raise ValueError(str(reason)) from None
    jobs = side_by_side(
        specs,
        group.results / running,
        seconds=60 * group.settings.job_minutes,
        workers=workers or len(available_cores()),
        scheduler=scheduler,
    )
    with closing(jobs), progress_bar(show=progress, total=len(specs), unit="job") as bar:
        for key, told in jobs:
            try:
                if isinstance(told, JobError):
                    raise told
                found = group.keep(key, told)
            except JobError as reason:
                group.fail(key, reason)
                yield key, None
            else:
                yield key, found
            bar.update()


def _settle(
    group: Class, everyone: list[Work], chosen: set[str], jobs: Iterable[_Told]
) -> list[Row]:
    """Enter every result into the books, as it comes, and write the table."""
    works: dict[str, list[Work]] = {}
    for work in everyone:
        if work.student in chosen:
            works.setdefault(work.key, []).append(work)
    with closing(Ledger(group)) as ledger:
        for key in filter(None, works):
            if result := group.result(key):
                ledger.enter(works[key], result)
        for key, told in jobs:
            if told is not None:
                ledger.enter(works[key], told)
        rows = [ledger.row(work) for work in everyone]
    table.write(group.course / "grades" / f"{group.assignment}.csv", rows)
    return rows


@contextmanager
def alone(course: Path) -> Iterator[None]:
    """Hold the course: the gradebook is written by one process at a time."""
    if not course.is_dir():
        raise ValueError(f"{course}: expected the folder of a course, found none; see --course")
    try:
        with locked(course / ".grading"):
            yield
    except BlockingIOError:
        raise ValueError(
            f"{course}: another process is grading this course; wait until it is done, or end it"
        ) from None
