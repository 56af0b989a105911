"""Commands that check the installation and fetch data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlcourse.cli.base import app
from dlcourse.data import load_cifar10
from dlcourse.doctor import Check, check_all, gpu_report
from dlcourse.expect import one_of
from dlcourse.files import check_writable, write_json
from dlcourse.zoo.recipe import DATASETS

_DATASETS = {**DATASETS, "cifar-10": load_cifar10}


@app.command()
def doctor(
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Try everything on the GPU; takes a few minutes.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="With --gpu, the file to write the report to.")
    ] = Path("dlcourse-gpu-report.json"),
) -> None:
    """Check what is installed and in place, and say what to do about what is missing.

    Ends with status 1 when something that every chapter needs is broken; with --gpu, when there is
    no GPU or its results differ from a processor's.

    \b
    Examples:
      dlcourse doctor
      dlcourse doctor --gpu -o my-gpu.json
    """
    if gpu:
        _gpu_report(output)
        return
    checks = check_all()
    _report(checks)
    if any(check.state == "broken" for check in checks):
        raise typer.Exit(1)


@app.command()
def data(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Any of: {', '.join(_DATASETS)}.")
    ] = None,
) -> None:
    """Fetch data sets that are not here yet, and verify those that are; MNIST if none is named.

    \b
    Examples:
      dlcourse data mnist
      dlcourse data fashion-mnist cifar-10
    """
    wanted = names or ["mnist"]
    for name in wanted:
        one_of("a data set", name, _DATASETS)
    for name in wanted:
        train_set, test_set = _DATASETS[name]()
        typer.echo(
            f"{name}: {len(train_set):,} training and {len(test_set):,} test images, verified"
        )


def _gpu_report(output: Path) -> None:
    check_writable(output)
    try:
        report = gpu_report(say=typer.echo)
    except (ImportError, RuntimeError) as error:
        raise ValueError(f"doctor --gpu needs a GPU: {error}") from None
    write_json(output, report)
    typer.echo(f"the report is in {output}")
    if not report["ok"]:
        raise typer.Exit(1)


def _report(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        typer.echo(f"{check.state:8s} {check.name.ljust(width)}  {check.detail}")
