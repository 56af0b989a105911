"""The `dlcourse` command: train, evaluate, predict, look inside, check the installation."""

from __future__ import annotations

import itertools
import json
import shlex
import sys
import time
import warnings
from pathlib import Path
from typing import Annotated

import typer

import dlcourse
from dlcourse import zoo
from dlcourse.data import load_cifar10, load_picture
from dlcourse.distributed import (
    MPI,
    CommunicationError,
    SingleProcess,
    end_all_ranks,
    started_ranks,
)
from dlcourse.doctor import Check, check_all, gpu_report
from dlcourse.files import write_json
from dlcourse.models import Classifier, summary
from dlcourse.nn import CrossEntropyLoss, softmax
from dlcourse.nn.weights import load_weights
from dlcourse.recipes import RECIPES
from dlcourse.rl.show import PLAYERS, as_picture, as_text, load_player, save_gif, watch
from dlcourse.style.command import STARTS, write_stylised
from dlcourse.style.features import SOURCES
from dlcourse.style.paintings import PAINTINGS
from dlcourse.style.transfer import OPTIMIZERS as STYLE_OPTIMIZERS
from dlcourse.style.transfer import STYLE_LAYERS
from dlcourse.training import ParallelModel, TrainingDiverged
from dlcourse.zoo.models import MODELS
from dlcourse.zoo.recipe import AUGMENTATIONS, DATASETS, OPTIMIZERS, SCHEDULES

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)

_DATASETS = {**DATASETS, "cifar-10": load_cifar10}


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


@app.command()
def train(
    model: Annotated[str, typer.Argument(help=f"What to train: {', '.join(MODELS)}.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; runs/MODEL-seedN if not given."),
    ] = None,
    data: Annotated[str, typer.Option(help=f"What to train on: {', '.join(DATASETS)}.")] = "mnist",
    images: Annotated[
        int, typer.Option(help="Training images to use; 0 is all that are not held out.")
    ] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 20,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 100,
    optimizer: Annotated[str, typer.Option(help=f"One of: {', '.join(OPTIMIZERS)}.")] = "adam",
    lr: Annotated[float, typer.Option(help="Learning rate at the start.")] = 0.001,
    schedule: Annotated[
        str, typer.Option(help=f"Of the learning rate: {', '.join(SCHEDULES)}.")
    ] = "constant",
    augment: Annotated[
        str, typer.Option(help=f"Changes to the images: {', '.join(AUGMENTATIONS)}.")
    ] = "none",
    dropout_on_logits: Annotated[
        bool, typer.Option("--dropout-on-logits", help="Drop scores too, as the original book.")
    ] = False,
    validation: Annotated[
        int, typer.Option(help="Training images to hold out, to keep the best epoch by.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Threads; one a core if not given. The result is the same.")
    ] = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(help="Keep the state every so many steps; every epoch it is kept anyhow."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds that a rank waits for another before the job is ended.")
    ] = 60.0,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Train a network; repeat the same command to resume.

    Under mpiexec its processes share the work: the batch and the result are the same.

    \b
    Examples:
      dlcourse train deep-convnet
      mpiexec -n 4 dlcourse train deep-convnet
      dlcourse train deep-convnet --epochs 2 --validation 5000
      dlcourse train deep-convnet --augment affine --schedule cosine -o runs/better
    """
    recipe = zoo.Recipe(
        model=model,
        data=data,
        images=images,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        lr=lr,
        schedule=schedule,
        augment=augment,
        dropout_on_logits=dropout_on_logits,
        validation=validation,
        seed=seed,
    )
    folder = output or Path("runs") / f"{model}-seed{seed}"
    command = shlex.join(["dlcourse", *sys.argv[1:]])
    communicator = MPI(timeout=timeout) if started_ranks() > 1 else SingleProcess()
    try:
        record = zoo.run(
            recipe,
            folder,
            command=command,
            workers=workers,
            checkpoint_every=checkpoint_every,
            communicator=communicator,
            progress=progress,
        )
    except KeyboardInterrupt:
        typer.echo(
            f"\ninterrupted; the same command goes on from the last checkpoint in {folder}",
            err=True,
        )
        raise typer.Exit(130) from None
    if communicator.rank:
        return
    test = record["test"]
    for epoch in record["epochs"]:
        valid = epoch["valid_accuracy"]
        typer.echo(
            f"epoch {epoch['epoch']:3d}  loss {epoch['train_loss']:.4f}  "
            f"train {epoch['train_accuracy']:.2%}"
            + (f"  validation {valid:.2%}" if valid is not None else "")
        )
    typer.echo(
        f"test accuracy {test['accuracy']:.2%} ({test['errors']} errors in {test['images']:,}), "
        f"{record['seconds']:.0f} s of training"
    )
    typer.echo(f"weights and record are in {folder}")


@app.command()
def train_entry(
    name: Annotated[str, typer.Argument(help=f"What to train: {', '.join(RECIPES)}.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; runs/NAME-seedN if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights.")] = 0,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Train what the zoo ships of chapters 5 and 6; repeat the same command to resume.

    \b
    Examples:
      dlcourse train-entry scenes/fcn-32s
      dlcourse train-entry scenes/nic --seed 1 -o runs/other
    """
    if name not in RECIPES:
        raise ValueError(f"expected one of {', '.join(RECIPES)}, found {name!r}")
    folder = output or Path("runs") / f"{name}-seed{seed}"
    command = shlex.join(["dlcourse", *sys.argv[1:]])
    record = RECIPES[name](folder, command=command, seed=seed, progress=progress)
    for on, scores in record["test"].items():
        typer.echo(f"test, {on}: {json.dumps(scores)}")
    typer.echo(f"weights and record are in {folder}")


@app.command("play")
def play_(
    name: Annotated[str, typer.Argument(help=f"Who plays: {', '.join(PLAYERS)}.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for an animated GIF; the terminal if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another game.")] = 0,
    delay: Annotated[float, typer.Option(help="Seconds from one step to the next.")] = 0.06,
    most: Annotated[int, typer.Option(help="At most so many steps are shown.")] = 500,
) -> None:
    """Watch an agent of chapter 6 play a game.

    \b
    Examples:
      dlcourse play rl/breakout-dqn-seed3
      dlcourse play rl/cartpole-dqn-seed0 -o cart.gif
      dlcourse play rl/frozen-lake-q-learning --delay 0.3
    """
    if output is not None and output.suffix.lower() != ".gif":
        raise ValueError(f"expected a file that ends in .gif, found {output}")
    if delay < 0 or most < 1:
        raise ValueError(
            f"expected a delay of 0 or more and at least one step, found {delay} and {most}"
        )
    agent, environment = load_player(name, pixels=output is not None)
    steps = watch(agent, environment, as_text if output is None else as_picture, seed=seed)
    shown = itertools.islice(steps, most)
    if output is not None:
        pictures, totals, _ = zip(*shown, strict=True)
        save_gif(output, pictures, max(20, round(1000 * delay)))
        typer.echo(f"{len(pictures)} pictures, return {totals[-1]:g}; the animation is in {output}")
        return
    # On a terminal each picture takes the place of the one before it.
    live = sys.stdout.isatty()
    for text, total, over in shown:
        end = "\nthe game is over" if over else ""
        typer.echo(("\x1b[H\x1b[J" if live else "") + f"{text}\nreturn {total:g}{end}")
        if live:
            time.sleep(delay)


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


@app.command()
def style(
    content: Annotated[Path, typer.Argument(help="A picture: what is shown.")],
    painting: Annotated[
        str,
        typer.Argument(
            metavar="STYLE", help=f"A picture, or {', '.join(PAINTINGS)}: how it is painted."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The picture to write: .png, .jpg, ...")
    ],
    size: Annotated[int, typer.Option(help="Pixels of its longer side, 48 to 1024.")] = 192,
    steps: Annotated[int, typer.Option(help="Steps of the optimizer.")] = 100,
    style_weight: Annotated[float, typer.Option(help="More of it, more of the style.")] = 100.0,
    style_layers: Annotated[
        str, typer.Option(help="Layers that are the style, with commas between.")
    ] = ",".join(STYLE_LAYERS),
    smoothness: Annotated[float, typer.Option(help="Weight of the total variation.")] = 1.0,
    optimizer: Annotated[
        str, typer.Option(help=f"One of: {', '.join(STYLE_OPTIMIZERS)}.")
    ] = "lbfgs",
    start: Annotated[str, typer.Option(help=f"The first picture: {', '.join(STARTS)}.")] = STARTS[
        0
    ],
    features: Annotated[
        str, typer.Option(help=f"What to look with: auto, {', '.join(SOURCES)}.")
    ] = "auto",
    every: Annotated[
        int, typer.Option(help="Write a picture every so many steps; 0 for the last alone.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="What noise and random features are drawn from.")] = 0,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Paint one picture in the style of another.

    \b
    Examples:
      dlcourse style cup.jpg starry-night -o cup-at-night.png
      dlcourse style me.jpg wave.jpg -o me.png --size 256 --style-weight 1000 --every 20
    """
    write_stylised(
        *(content, painting, output),
        size=size,
        steps=steps,
        weights=(style_weight, smoothness),
        style_layers=style_layers.split(","),
        optimizer=optimizer,
        start=start,
        features=features,
        every=every,
        seed=seed,
        progress=progress,
        say=typer.echo,
    )


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


@app.command()
def doctor(
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Try everything on the GPU, in some minutes.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="With --gpu, the file to write the report to.")
    ] = Path("dlcourse-gpu-report.json"),
) -> None:
    """Check what is installed and in place, and say what to do about what is missing.

    Ends with status 1 when something that every chapter needs is broken; with --gpu, when there is
    no GPU or it computes something else than a processor.

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
    """Fetch data sets that are not here yet, and verify those that are.

    \b
    Examples:
      dlcourse data mnist
      dlcourse data fashion-mnist cifar-10
    """
    wanted = names or ["mnist"]
    unknown = [name for name in wanted if name not in _DATASETS]
    if unknown:
        raise ValueError(f"expected one of {', '.join(_DATASETS)}, found {unknown[0]!r}")
    for name in wanted:
        train_set, test_set = _DATASETS[name]()
        typer.echo(
            f"{name}: {len(train_set):,} training and {len(test_set):,} test images, verified"
        )


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


def _gpu_report(output: Path) -> None:
    try:
        report = gpu_report(say=typer.echo)
    except RuntimeError as error:
        sys.exit(f"dlcourse: doctor --gpu needs a GPU: {error}")
    write_json(output, report)
    typer.echo(f"the report is in {output}")
    if not report["ok"]:
        raise typer.Exit(1)


def _report(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        typer.echo(f"{check.state:8s} {check.name.ljust(width)}  {check.detail}")


if __name__ == "__main__":
    main()
