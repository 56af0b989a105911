"""What all commands share, and how errors end."""

from __future__ import annotations

import json
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

import dlcourse
from dlcourse.distributed import CommunicationError, end_all_ranks
from dlcourse.expect import missing, number
from dlcourse.files import one_line
from dlcourse.training import TrainingDiverged
from dlcourse.training.progress import Forgiving

_HELP = """Train, evaluate, predict, look inside, paint, play, check the installation.

\b
Exit status:
  0    done
  1    it cannot be done; one sentence on standard error says why
  2    the command line is not understood
  130  interrupted with Ctrl-C
"""
_ISSUES = "https://github.com/dlcourse/dlcourse/issues"
#: Set to 1, this environment variable shows the traceback of an error.
_TRACEBACK = "DLCOURSE_TRACEBACK"


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=_HELP,
)


def main() -> None:
    """Run the command; an error becomes one sentence and an exit status, not a traceback."""
    warnings.formatwarning = lambda message, *_: f"dlcourse: {message}\n"
    # Neither a log that cannot be written nor a name that cannot be shown stops the work.
    sys.stderr = cast(TextIO, Forgiving(sys.stderr))
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = app(prog_name="dlcourse", standalone_mode=False)
    except Exception as error:
        if os.environ.get(_TRACEBACK) == "1":
            raise
        message, status = _told(error)
        end_all_ranks(f"dlcourse: {one_line(message)}")
    sys.exit(status)


def command_line() -> str:
    """Return the command as it was typed, for a record."""
    return shlex.join(["dlcourse", *sys.argv[1:]])


def within(
    least: float | None = None, *, above: float | None = None, most: float | None = None
) -> Callable[[typer.CallbackParam, float | None], float | None]:
    """Return a callback that checks the number given to an option, which may be left out."""

    def check(option: typer.CallbackParam, value: float | None) -> float | None:
        if value is not None:
            number(option.opts[0], value, least=least, above=above, most=most)
        return value

    return check


def tell(test: Mapping[str, Any]) -> None:
    """Print the result that a record has, or a part of it."""
    if test.keys() >= {"accuracy", "errors", "images"}:
        loss = f", loss {test['loss']:.4f}" if "loss" in test else ""
        typer.echo(
            f"test accuracy {test['accuracy']:.2%} ({test['errors']} errors in "
            f"{test['images']:,}){loss}"
        )
        return
    for name, value in test.items():
        typer.echo(f"test, {name}: {json.dumps(value)}")


Seed = Annotated[
    int, typer.Option(help="The same seed gives the same weights.", callback=within(0))
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Threads; one per core if not given. The result is the same.",
        callback=within(1, most=1024),
    ),
]
Progress = Annotated[bool, typer.Option(help="Show a progress bar.")]


@contextmanager
def interruptible(folder: Path) -> Iterator[None]:
    """Say at Ctrl-C how training can go on."""
    try:
        yield
    except KeyboardInterrupt:
        kept = any(folder.rglob("*.npz"))
        goes = f"goes on from what is kept in {folder}" if kept else "starts over: nothing was kept"
        print(f"\ndlcourse: interrupted; the same command {goes}", file=sys.stderr)
        raise typer.Exit(130) from None


def _told(error: Exception) -> tuple[str, int]:
    """Return what to tell the user about an error, and the exit status."""
    if hasattr(error, "format_message"):  # of the command line, by Typer
        context = getattr(error, "ctx", None)
        path = "dlcourse" if context is None else context.command_path
        return f"{error.format_message().rstrip('.')}; `{path} --help` shows what there is", 2
    if isinstance(error, OSError) and error.strerror:
        name = "standard output" if error.filename is None else error.filename
        return f"{os.fsdecode(name)}: {error.strerror}", 1
    if isinstance(error, ModuleNotFoundError) and str(error).startswith("No module named"):
        package = str(error.name).partition(".")[0]
        return str(missing(package, "this")), 1
    if isinstance(error, MemoryError):
        return f"the memory of this machine does not suffice {error}", 1
    expected = (ValueError, OSError, ImportError, TrainingDiverged, CommunicationError)
    if isinstance(error, expected) and str(error):
        return str(error), 1
    return (
        f"{type(error).__name__}: {error}. This is a fault of dlcourse: please report it at "
        f"{_ISSUES} with the command; {_TRACEBACK}=1 before it shows where it happened",
        1,
    )


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dlcourse {dlcourse.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _global(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
