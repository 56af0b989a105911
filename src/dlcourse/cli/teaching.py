"""Commands of a teacher: `dlcourse course`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlcourse.cli.base import Progress, Workers, app
from dlcourse.files import one_line

if TYPE_CHECKING:
    from dlcourse.grading.table import Row

# What grades stands on nbgrader, which is not installed for everyone: each command imports its own.

course_app = typer.Typer(rich_markup_mode=None, help="Make a course, grade it, give it back.")
app.add_typer(course_app, name="course")

Course = Annotated[Path, typer.Option(help="The folder of the course.")]
Assignment = Annotated[str, typer.Argument(help="The assignment, as in ps1-deeper.")]
Unsafe = Annotated[
    bool,
    typer.Option("--no-sandbox", help="Run what was handed in as a program of yours. Think twice."),
]
_COURSE = Path("exercises")


@course_app.command("make")
def make_(
    course: Course = _COURSE,
    secret: Annotated[
        str | None,
        typer.Option(envvar="DLCOURSE_SECRET", help="What hidden tests are drawn from."),
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="A folder of your own tasks and tests.")
    ] = None,
) -> None:
    """Make a course: the notebooks of teacher and learners, and the gradebook.

    \b
    Example:
      DLCOURSE_SECRET="a long sentence" dlcourse course make --course course
    """
    from dlcourse.grading.course import make

    make(course, secret, overlay, say=typer.echo)


@course_app.command("collect")
def collect_(
    assignment: Assignment,
    source: Annotated[
        Path, typer.Option("--from", help="A zip file or a folder, of Moodle or Canvas.")
    ],
    course: Course = _COURSE,
) -> None:
    """Sort what was handed in into submitted/STUDENT/ASSIGNMENT.

    \b
    Example:
      dlcourse course collect ps1-deeper --from submissions.zip
    """
    from dlcourse.grading import settings
    from dlcourse.grading.collect import collect

    for one in collect(source, course, assignment, zone=settings.read(course).time_zone):
        said = [one.member, one.status, one.student and f"as {one.student}", one.reason]
        typer.echo(one_line(", ".join(filter(None, said))))


@course_app.command("grade")
def grade_(
    assignment: Assignment,
    course: Course = _COURSE,
    student: Annotated[
        list[str] | None, typer.Option(help="Grade this one only; may be given more than once.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Grade also what has been graded.")
    ] = False,
    workers: Workers = None,
    without_sandbox: Unsafe = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run the jobs on workers of dask.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Only make the results of every N-th job, from I = 0."),
    ] = None,
    progress: Progress = True,
) -> None:
    """Grade what was handed in and has not been graded, and write grades/ASSIGNMENT.csv.

    It can be ended at any time: the same command goes on where it was.

    \b
    Examples:
      dlcourse course grade ps1-deeper
      dlcourse course grade ps1-deeper --student ann --again
      dlcourse course grade ps1-deeper --share 3/8
    """
    from dlcourse.grading import jobs

    if share is not None and (student or again or scheduler):
        raise ValueError("expected --share without --student, --again and --scheduler")
    try:
        if share is None:
            rows = jobs.grade(
                course,
                assignment,
                students=student or (),
                again=again,
                workers=workers,
                without_sandbox=without_sandbox,
                scheduler=scheduler,
                progress=progress,
            )
            _tell(rows, course, assignment)
            return
        reasons = jobs.share(
            course,
            assignment,
            *_share(share),
            workers=workers,
            without_sandbox=without_sandbox,
            progress=progress,
        )
        for reason in reasons:
            typer.echo(one_line(reason), err=True)
    except KeyboardInterrupt:
        print("\ndlcourse: interrupted; the same command goes on from there", file=sys.stderr)
        raise typer.Exit(130) from None


@course_app.command("merge")
def merge_(assignment: Assignment, course: Course = _COURSE) -> None:
    """Enter results that --share has made, on any machine, into gradebook and table.

    \b
    Example:
      dlcourse course merge ps1-deeper
    """
    from dlcourse.grading import jobs

    _tell(jobs.merge(course, assignment), course, assignment)


@course_app.command("feedback")
def feedback_(assignment: Assignment, course: Course = _COURSE) -> None:
    """Write a page for everyone who handed in, to feedback/STUDENT/ASSIGNMENT.

    \b
    Example:
      dlcourse course feedback ps1-deeper
    """
    from dlcourse.grading import feedback

    pages = feedback.write(course, assignment)
    typer.echo(f"{len(pages)} pages are in {course / 'feedback'}")


@course_app.command("report")
def report_(assignment: Assignment, course: Course = _COURSE) -> None:
    """Write the report on a class, one page of HTML, and the marks for Moodle and Canvas.

    \b
    Example:
      dlcourse course report ps1-deeper
    """
    from dlcourse.grading import jobs

    _report(jobs.merge(course, assignment), course, assignment)


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal()):
        raise ValueError(f"expected --share I/N, as in 0/8, found {text!r}")
    return int(number), int(of)


def _tell(rows: list[Row], course: Path, assignment: str) -> None:
    from dlcourse.grading.table import summary

    typer.echo(summary(rows))
    typer.echo(f"\nThe marks are in {course / 'grades' / f'{assignment}.csv'}")
    _report(rows, course, assignment)


def _report(rows: list[Row], course: Path, assignment: str) -> None:
    from dlcourse.grading import exports, report

    typer.echo(f"The report is in {report.write(course, assignment, rows)}")
    for path in exports.write(course, assignment, rows):
        typer.echo(f"To import the marks elsewhere: {path}")
