"""Commands of a learner: `dlcourse check` and `dlcourse progress`."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlcourse.cli.base import Progress, app, within
from dlcourse.expect import needed
from dlcourse.files import one_line
from dlcourse.training.progress import progress_bar

if TYPE_CHECKING:
    from dlcourse.grading.checkup import Checked
    from dlcourse.grading.progress import Standing

_MARGIN = " " * 12
_WIDEST = 100


@app.command("check")
def check_(
    notebook: Annotated[Path, typer.Argument(help="Your notebook, as in ps1-deeper.ipynb.")],
    seconds: Annotated[
        float,
        typer.Option(help="How long one cell may compute.", callback=within(above=0, most=86_400)),
    ] = 30.0,
    progress: Progress = True,
) -> None:
    """Check the notebook of an assignment before you hand it in, and keep how far you are.

    It is read as a teacher's program reads it, and run from the top in a process of its own, with
    the original tests; a cell that hangs is ended. Ends with status 1 unless nothing is left to do.

    \b
    Example:
      dlcourse check ps1-deeper.ipynb
    """
    with needed("psutil", "dlcourse check"):
        from dlcourse.grading import checkup
    from dlcourse.grading import progress as kept

    with progress_bar(show=progress, unit="cell", leave=False) as bar:
        checked = checkup.check(notebook, seconds, bar.reset, lambda step: bar.update())
    _tell(checked)
    kept.keep(checked)
    typer.echo("\nHow far you are in all assignments: dlcourse progress")
    if not checked.ready:
        raise typer.Exit(1)


@app.command("progress")
def progress_(
    forget: Annotated[bool, typer.Option("--forget", help="Erase what is kept.")] = False,
) -> None:
    """Show how far you are in all assignments, and what is next.

    That is by the last `dlcourse check` of each. It is kept on this machine alone.

    \b
    Examples:
      dlcourse progress
      dlcourse progress --forget
    """
    from dlcourse.grading import progress as kept

    if forget:
        erased = kept.forget()
        typer.echo(f"{kept.folder()}: {'erased' if erased else 'there is nothing to erase'}")
        return
    standings = kept.standings()
    width = max(len(one.assignment) for one in standings)
    for one in standings:
        _tell_standing(one, width)
    typer.echo(f"\n{_next(standings)}")
    typer.echo(f"Kept in {kept.folder()}; `dlcourse progress --forget` erases it.")


def _tell(checked: Checked) -> None:
    from dlcourse.grading import released

    typer.echo(f"{checked.assignment}: {checked.title}\n")
    for row in checked.rows:
        typer.echo(f"{row.points:4g} of {row.of:<3g} {row.title}")
        if row.message:
            _paragraph(row.message)
            if row.taught:
                _paragraph(f"Where to read: {row.taught}")
    for question in checked.questions:
        said = f"{question.words} words" if question.words else "no answer yet"
        typer.echo(f"   - of {question.of:<3g} {question.title}: {said}")
    typer.echo(f"\nVisible tests: {checked.points:g} of {checked.of:g} points.")
    _plain(
        f"Not counted here: {checked.hidden:g} points of hidden tests, which run when your work is "
        f"graded, and {sum(q.of for q in checked.questions):g} that a person gives."
    )
    if checked.remarks:
        typer.echo("\nTo look at in the notebook:")
        for remark in checked.remarks:
            _plain(f"- {one_line(remark)}", "  ")
        typer.echo(f"The notebook as it was released: {released.path(checked.assignment)}")
    if checked.ready:
        typer.echo(f"\nAll is in place: hand in {checked.assignment}.ipynb.")


def _tell_standing(one: Standing, width: int) -> None:
    if one.checked is None:
        told = "not checked yet"
    else:
        done = len(one.tasks) - len(one.left)
        told = (
            f"{one.points:4g} of {one.of:3g} points, {done:2d} of {len(one.tasks):2d} tasks, "
            f"checked on {one.checked.astimezone():%Y-%m-%d}"
        )
    typer.echo(f"{one.assignment.ljust(width)}  {told}")


def _next(standings: list[Standing]) -> str:
    """Say what to do next: what was checked last and is not done, or else the first that is not."""
    open_ = [one for one in standings if one.left]
    if not open_:
        return "All visible tests of all assignments pass."
    begun = [one for one in open_ if one.checked]
    if not begun:
        first = open_[0].assignment
        return f"Next: begin {first}, then run `dlcourse check {first}.ipynb`."
    last = max(begun, key=lambda one: str(one.checked))
    return f"Next: {last.left[0]} ({last.assignment})."


def _paragraph(text: str) -> None:
    for line in text.splitlines():
        _plain(_MARGIN + one_line(line), _MARGIN)


def _plain(text: str, indent: str = "") -> None:
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    typer.echo(
        textwrap.fill(
            text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )
    )
