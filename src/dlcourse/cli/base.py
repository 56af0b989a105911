"""What all commands hang on, and how errors end."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

import dlcourse
from dlcourse.distributed import (
    CommunicationError,
    end_all_ranks,
)
from dlcourse.training import TrainingDiverged

_HELP = "Train, evaluate, predict, look inside, paint, play, check the installation."

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=_HELP,
)


def main() -> None:
    """Run the command; what went wrong is one sentence and exit status 1, not a traceback."""
    warnings.formatwarning = lambda message, *_: f"dlcourse: {message}\n"
    try:
        app()
    except (ValueError, OSError, ImportError, TrainingDiverged, CommunicationError) as error:
        end_all_ranks(f"dlcourse: {error}")
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dlcourse {dlcourse.__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
