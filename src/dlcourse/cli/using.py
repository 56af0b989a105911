"""Commands that use a trained network: measure, vote, predict, look inside."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from dlcourse import zoo
from dlcourse.cli.base import Workers, app, command_line, tell
from dlcourse.data import load_picture
from dlcourse.entries import ENTRIES
from dlcourse.expect import one_of
from dlcourse.files import check_writable, write_json
from dlcourse.models import Classifier, Ensemble, summary
from dlcourse.nn import softmax
from dlcourse.zoo.classifiers import classifier
from dlcourse.zoo.ensemble import ENSEMBLE, evaluate_ensemble, gathered
from dlcourse.zoo.runs import read_run
from dlcourse.zoo.training import record_of

_WEIGHTS = "an entry of the zoo, the folder of a run, or an .npz file"


@app.command()
def evaluate(
    weights: Annotated[
        str, typer.Argument(help=f"{_WEIGHTS.capitalize()}.")
    ] = "deep-convnet-seed0",
    whole: Annotated[
        bool, typer.Option("--whole", help="Measure all that the record has; may take an hour.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Measure what the record of its training has: accuracy, overlap, the return of games, ...

    An .npz file on its own is taken to be a deep-convnet, trained on MNIST.

    \b
    Examples:
      dlcourse evaluate
      dlcourse evaluate scenes/fcn-8s
      dlcourse evaluate runs/deep-convnet-seed0
    """
    what, held = _found(weights)
    entry = ENTRIES[what] if isinstance(what, str) else classifier(what, workers=workers)
    if entry.evaluate is None:
        raise ValueError(f"{weights} holds pictures, and nothing measures them; see zoo.load")
    with nullcontext() if workers is None else threadpool_limits(workers, user_api="blas"):
        tell(entry.evaluate(held, whole=whole))


@app.command()
def ensemble(
    members: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Classifiers trained on MNIST, each {_WEIGHTS}; the shipped five if none."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write the record to.")
    ] = None,
) -> None:
    """Let several networks vote on the 10,000 test images of MNIST.

    The mean of their probabilities decides.

    \b
    Examples:
      dlcourse ensemble
      dlcourse ensemble deep-convnet-seed0 deep-convnet-seed1 deep-convnet-seed2
    """
    names = members or ENSEMBLE
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"each network has one vote, found {name} more than once")
    if output is not None:
        check_writable(output)
    test = evaluate_ensemble(Ensemble([_of_mnist(name) for name in names]))
    for name, accuracy in zip(names, test["members"], strict=True):
        typer.echo(f"{accuracy:.2%}  {name}")
    typer.echo(f"{test['accuracy']:.2%}  together ({test['errors']} errors in {test['images']:,})")
    if output is not None:
        write_json(output, record_of(gathered(names), test, command=command_line()))
        typer.echo(f"the record is in {output}")


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Pictures of one digit each.")],
    weights: Annotated[
        str, typer.Option(help=f"A classifier trained on MNIST: {_WEIGHTS}.")
    ] = "deep-convnet-seed0",
) -> None:
    """Tell which digit a picture shows.

    Dark ink on light paper or light on dark, of any size; it is centred and scaled like MNIST's.

    \b
    Examples:
      dlcourse predict my-seven.png
      dlcourse predict scans/*.jpg --weights runs/better
    """
    model = _of_mnist(weights)
    for path in images:
        probabilities = softmax(model.predict(load_picture(path)))[0]
        best = probabilities.argsort()[::-1][:3]
        guesses = ", ".join(f"{digit} ({probabilities[digit]:.1%})" for digit in best)
        typer.echo(f"{path}: {guesses}")


@app.command("summary")
def summary_(
    model: Annotated[
        str, typer.Argument(help=f"An entry of the zoo, or one of: {', '.join(zoo.MODELS)}.")
    ] = "deep-convnet",
) -> None:
    """Print the layers of a network: shapes, parameters, multiply-adds, receptive field.

    \b
    Examples:
      dlcourse summary deep-convnet
      dlcourse summary scenes/fcn-8s
    """
    one_of("model", model, [*zoo.MODELS, *zoo.names()])
    if model in zoo.MODELS:
        network, shape = zoo.MODELS[model], [1, 28, 28]
    else:
        record = zoo.record(model)
        network, shape = record["network"], record["input"]
    if shape is None:
        kind = "no network" if network is None else f"a network of kind {network['kind']}"
        raise ValueError(f"summary shows networks that take one array, and {model} is {kind}")
    typer.echo(summary(zoo.build(network), shape))


def _found(weights: str) -> tuple[str | zoo.Recipe, Any]:
    """Return the recipe of a classifier or the name of another entry, and what `zoo.load` gives."""
    path = Path(weights)
    what: str | zoo.Recipe = weights
    if path.is_dir() or path.suffix == ".npz":
        what, held = read_run(path)
    elif path.exists():
        raise ValueError(
            f"{path}: expected {_WEIGHTS}; other files are read in "
            "Python, as dlcourse.models.weight_files.read_arrays(path)"
        )
    else:
        held = zoo.load(weights)
    settings = ENTRIES[what].settings if isinstance(what, str) else None
    return zoo.Recipe(**settings) if settings else what, held


def _of_mnist(weights: str) -> Classifier:
    what, held = _found(weights)
    data = None if isinstance(what, str) else what.data
    if data != "mnist" or not isinstance(held, Classifier):
        found = f"of kind {type(held).__name__}" if data is None else f"trained on {data}"
        raise ValueError(f"expected a classifier trained on mnist, found {weights}, {found}")
    return held
