"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dlcourse import zoo
from dlcourse.cli.base import (
    Progress,
    Seed,
    Workers,
    app,
    command_line,
    interruptible,
    tell,
    within,
)
from dlcourse.distributed import (
    MPI,
    SingleProcess,
    started_ranks,
)
from dlcourse.entries import ENTRIES
from dlcourse.expect import one_of
from dlcourse.zoo.classifiers import classifier
from dlcourse.zoo.networks import MODELS
from dlcourse.zoo.recipe import AUGMENTATIONS, DATASETS, OPTIMIZERS, SCHEDULES
from dlcourse.zoo.training import make


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
    batch_size: Annotated[int, typer.Option(help="Images per step.")] = 100,
    optimizer: Annotated[str, typer.Option(help=f"One of: {', '.join(OPTIMIZERS)}.")] = "adam",
    lr: Annotated[float, typer.Option(help="Learning rate at the start.")] = 0.001,
    schedule: Annotated[
        str, typer.Option(help=f"How the learning rate changes: {', '.join(SCHEDULES)}.")
    ] = "constant",
    augment: Annotated[
        str, typer.Option(help=f"Changes to the images: {', '.join(AUGMENTATIONS)}.")
    ] = "none",
    dropout_on_logits: Annotated[
        bool, typer.Option("--dropout-on-logits", help="Drop scores too, as Saitoh's book does.")
    ] = False,
    validation: Annotated[
        int, typer.Option(help="Training images to hold out; the epoch best on them is kept.")
    ] = 0,
    seed: Seed = 0,
    workers: Workers = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            help="Steps between saved states within an epoch; each epoch's end is saved anyway.",
            callback=within(1),
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            help="Seconds that a rank waits for another before the job is ended.",
            callback=within(above=0),
        ),
    ] = 60.0,
    progress: Progress = True,
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
    communicator = MPI(timeout=timeout) if started_ranks() > 1 else SingleProcess()
    with interruptible(folder):
        recipe.load_data()  # what it refuses is refused before the folder is claimed
        entry = classifier(
            recipe,
            workers=workers,
            checkpoint_every=checkpoint_every,
            communicator=communicator,
        )
        record = make(
            entry,
            folder,
            command=command_line(),
            communicator=communicator,
            progress=progress,
        )
    if communicator.rank:
        return
    for epoch in record["training"]["epochs"]:
        valid = epoch["valid_accuracy"]
        typer.echo(
            f"epoch {epoch['epoch']:3d}  loss {epoch['train_loss']:.4f}  "
            f"train {epoch['train_accuracy']:.2%}"
            + (f"  validation {valid:.2%}" if valid is not None else "")
        )
    _end(record, folder)


@app.command()
def train_entry(
    name: Annotated[
        str, typer.Argument(help="An entry of the zoo, as scenes/fcn-32s or deep-convnet-seed0.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; runs/NAME if not given."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Another seed than that of the entry.", callback=within(0)),
    ] = None,
    progress: Progress = True,
) -> None:
    """Train one of the zoo's entries; repeat the same command to resume.

    \b
    Examples:
      dlcourse train-entry scenes/fcn-32s
      dlcourse train-entry scenes/nic --seed 1 -o runs/other
    """
    one_of("the entry to train", name, ENTRIES)
    folder = output or Path("runs") / (name if seed is None else f"{name}-seed{seed}")
    with interruptible(folder):
        record = make(ENTRIES[name], folder, command=command_line(), seed=seed, progress=progress)
    _end(record, folder)


def _end(record: dict[str, Any], folder: Path) -> None:
    tell(record["test"])
    if record["seconds"] is not None:
        typer.echo(f"{record['seconds']:.0f} s of training")
    typer.echo(f"weights and record are in {folder}")
