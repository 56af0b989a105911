"""Commands that use a trained network: measure, vote, predict, look inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dlcourse import zoo
from dlcourse.cli.base import Workers, app, command_line
from dlcourse.data import load_picture
from dlcourse.expect import one_of
from dlcourse.files import check_writable, read_json, write_json
from dlcourse.models import Classifier, summary
from dlcourse.nn import CrossEntropyLoss, softmax
from dlcourse.nn.weights import load_weights
from dlcourse.training import ParallelModel
from dlcourse.zoo.claim import noted_recipe
from dlcourse.zoo.models import MODELS
from dlcourse.zoo.recipe import DATASETS

_WEIGHTS = "a classifier of the zoo, the folder of a run, or an .npz file"
#: What to do with the entries in other folders of the zoo.
_SERVED = {
    "ensembles": "`dlcourse ensemble` lets it vote",
    "rl": "`dlcourse play` shows it",
    **dict.fromkeys(
        ("driving", "generation", "scenes", "style"),
        "the chapters on applications use it, and `dlcourse train-entry` makes it",
    ),
}


@app.command()
def evaluate(
    weights: Annotated[
        str, typer.Argument(help=f"{_WEIGHTS.capitalize()}.")
    ] = "deep-convnet-seed0",
    workers: Workers = None,
) -> None:
    """Measure accuracy and loss on the test images of the data set that it was trained on.

    An .npz file on its own is taken to be a deep-convnet, trained on MNIST.

    \b
    Examples:
      dlcourse evaluate
      dlcourse evaluate runs/deep-convnet-seed0
    """
    recipe = _recipe(weights)
    model = _load(weights, recipe)
    _, test = DATASETS[recipe.data]()
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
        typer.Argument(help=f"Each {_WEIGHTS}, trained on MNIST; the shipped five if none."),
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
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"each network has one vote, found {name} more than once")
    if output is not None:
        check_writable(output)
    voters = {name: _load(name, _of_mnist(name)) for name in names}
    record = zoo.run_ensemble(voters, command=command_line())
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
        str, typer.Option(help=f"{_WEIGHTS.capitalize()}, trained on MNIST.")
    ] = "deep-convnet-seed0",
) -> None:
    """Tell which digit a picture shows.

    Dark ink on light paper or light on dark, of any size; it is centred and scaled like MNIST's.

    \b
    Examples:
      dlcourse predict my-seven.png
      dlcourse predict scans/*.jpg --weights runs/better
    """
    model = _load(weights, _of_mnist(weights))
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
    one_of("model", model, MODELS)
    network = zoo.Recipe(model=model).build()
    typer.echo(summary(network, (1, 28, 28)))


def _recipe(weights: str) -> zoo.Recipe:
    """The recipe that made some weights; for a bare file the plain recipe is assumed."""
    path = Path(weights)
    if path.is_dir():
        return _of_run(path)
    if path.suffix == ".npz":
        if (path.parent / "recipe.json").exists():
            return _of_run(path.parent)
        if (record := path.with_suffix(".json")).exists():
            return zoo.Recipe.read(read_json(record).get("recipe", {}), record)
        return zoo.Recipe()
    if path.exists():
        raise ValueError(
            f"{path}: expected {_WEIGHTS}; other files are read in "
            "Python, as dlcourse.models.weight_files.read_arrays(path)"
        )
    folder, _, _ = weights.partition("/")
    zoo.record(weights)
    if folder in _SERVED:
        raise ValueError(f"{weights} is not a classifier of digits: {_SERVED[folder]}")
    return zoo.recipe_of(weights)


def _of_run(folder: Path) -> zoo.Recipe:
    recipe = noted_recipe(folder)
    if "entry" in recipe:
        raise ValueError(f"{folder} holds a run of {recipe['entry']}, which is not a classifier")
    return zoo.Recipe.read(recipe, folder / "recipe.json")


def _of_mnist(weights: str) -> zoo.Recipe:
    recipe = _recipe(weights)
    if recipe.data != "mnist":
        raise ValueError(f"expected a network trained on mnist, found {weights}, on {recipe.data}")
    return recipe


def _load(weights: str, recipe: zoo.Recipe) -> Classifier:
    path = Path(weights)
    if not path.is_dir() and path.suffix != ".npz":
        return zoo.load(weights)
    model = recipe.build()
    load_weights(model, path / "weights.npz" if path.is_dir() else path)
    return model.eval()
