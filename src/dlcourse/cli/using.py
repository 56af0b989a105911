"""Commands that use a trained network: measure, vote, predict, look inside."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from dlcourse import zoo
from dlcourse.cli.base import app
from dlcourse.data import load_picture
from dlcourse.files import write_json
from dlcourse.models import Classifier, summary
from dlcourse.nn import CrossEntropyLoss, softmax
from dlcourse.nn.weights import load_weights
from dlcourse.training import ParallelModel
from dlcourse.zoo.models import MODELS
from dlcourse.zoo.recipe import DATASETS


@app.command()
def evaluate(
    weights: Annotated[
        str, typer.Argument(help="A zoo entry, the folder of a run, or an .npz file.")
    ] = "deep-convnet-seed0",
    workers: Annotated[int | None, typer.Option(help="Threads; one a core if not given.")] = None,
) -> None:
    """Measure accuracy and loss on the test images of the set that it was trained on.

    \b
    Examples:
      dlcourse evaluate
      dlcourse evaluate runs/deep-convnet-seed0
    """
    model = _load(weights)
    _, test = DATASETS[_recipe(weights).data]()
    with ParallelModel(model, CrossEntropyLoss, workers) as parallel:
        score = parallel.evaluate(test.images, test.labels)
    typer.echo(
        f"test accuracy {score.accuracy:.2%} ({score.count - score.correct} errors in "
        f"{score.count:,}), loss {score.loss:.4f}"
    )


@app.command()
def ensemble(
    members: Annotated[
        list[str] | None,
        typer.Argument(
            help="Zoo entries, folders of runs or .npz files; the shipped five if none."
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
    names = members or zoo.ENSEMBLE
    command = shlex.join(["dlcourse", *sys.argv[1:]])
    record = zoo.run_ensemble({name: _load(name) for name in names}, command=command)
    for name, accuracy in record["members"].items():
        typer.echo(f"{accuracy:.2%}  {name}")
    test = record["test"]
    typer.echo(f"{test['accuracy']:.2%}  together ({test['errors']} errors in {test['images']:,})")
    if output is not None:
        write_json(output, record)
        typer.echo(f"the record is in {output}")


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Pictures of one digit each.")],
    weights: Annotated[
        str, typer.Option(help="A zoo entry, the folder of a run, or an .npz file.")
    ] = "deep-convnet-seed0",
) -> None:
    """Tell which digit a picture of yours shows.

    Dark ink on light paper or light on dark, of any size; it is centred and scaled as MNIST's.

    \b
    Examples:
      dlcourse predict my-seven.png
      dlcourse predict scans/*.jpg --weights runs/better
    """
    model = _load(weights)
    for path in images:
        probabilities = softmax(model.predict(load_picture(path)))[0]
        best = probabilities.argsort()[::-1][:3]
        guesses = ", ".join(f"{digit} ({probabilities[digit]:.1%})" for digit in best)
        typer.echo(f"{path}: {guesses}")


@app.command("summary")
def summary_(
    model: Annotated[str, typer.Argument(help=f"One of: {', '.join(MODELS)}.")] = "deep-convnet",
) -> None:
    """Print the layers of a network: shapes, parameters, multiply-adds, receptive field.

    \b
    Example:
      dlcourse summary deep-convnet
    """
    network = zoo.Recipe(model=model).build()
    typer.echo(summary(network, (1, 28, 28)))


def _recipe(weights: str) -> zoo.Recipe:
    """What made some weights; of a bare file it is taken to be the plain recipe."""
    path = Path(weights)
    if path.is_dir():
        recipe = path / "recipe.json"
        if not recipe.exists():
            raise ValueError(f"{path} is not the folder of a run: it has no recipe.json")
        return zoo.Recipe(**json.loads(recipe.read_text()))
    return zoo.Recipe() if path.suffix == ".npz" else zoo.Recipe(**zoo.record(weights)["recipe"])


def _load(weights: str) -> Classifier:
    recipe, path = _recipe(weights), Path(weights)
    if not path.is_dir() and path.suffix != ".npz":
        return zoo.load(weights)
    model = recipe.build()
    load_weights(model, path / "weights.npz" if path.is_dir() else path)
    return model.eval()
