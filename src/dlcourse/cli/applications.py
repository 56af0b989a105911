"""Commands of chapter 6: paint, and watch an agent play."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from dlcourse.applications.rl.show import PLAYERS, as_picture, as_text, load_player, save_gif, watch
from dlcourse.applications.style.command import STARTS, write_stylised
from dlcourse.applications.style.features import SOURCES
from dlcourse.applications.style.paintings import PAINTINGS
from dlcourse.applications.style.transfer import OPTIMIZERS as STYLE_OPTIMIZERS
from dlcourse.applications.style.transfer import STYLE_LAYERS
from dlcourse.cli.base import Progress, app, within
from dlcourse.files import check_writable


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
    size: Annotated[
        int,
        typer.Option(help="Pixels of its longer side, 48 to 1024.", callback=within(48, most=1024)),
    ] = 192,
    steps: Annotated[int, typer.Option(help="Steps of the optimizer.", callback=within(1))] = 100,
    style_weight: Annotated[
        float, typer.Option(help="The larger, the more style.", callback=within(0, most=10**9))
    ] = 100.0,
    style_layers: Annotated[
        str, typer.Option(help="The style layers, separated by commas.")
    ] = ",".join(STYLE_LAYERS),
    smoothness: Annotated[
        float, typer.Option(help="Weight of the total variation.", callback=within(0, most=10**9))
    ] = 1.0,
    optimizer: Annotated[
        str, typer.Option(help=f"One of: {', '.join(STYLE_OPTIMIZERS)}.")
    ] = "lbfgs",
    start: Annotated[str, typer.Option(help=f"The first picture: {', '.join(STARTS)}.")] = STARTS[
        0
    ],
    features: Annotated[
        str, typer.Option(help=f"The features to compare with: auto, {', '.join(SOURCES)}.")
    ] = "auto",
    every: Annotated[
        int,
        typer.Option(
            help="Steps between pictures on the way; 0 for only the last.", callback=within(0)
        ),
    ] = 0,
    seed: Annotated[
        int,
        typer.Option(help="What noise and random features are drawn from.", callback=within(0)),
    ] = 0,
    progress: Progress = True,
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


@app.command("play")
def play_(
    name: Annotated[str, typer.Argument(help=f"Who plays: {', '.join(PLAYERS)}.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for an animated GIF; the terminal if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed: another game.", callback=within(0))] = 0,
    delay: Annotated[
        float,
        typer.Option(help="Seconds from one step to the next.", callback=within(0, most=60)),
    ] = 0.06,
    most: Annotated[int, typer.Option(help="The most steps to show.", callback=within(1))] = 500,
) -> None:
    """Watch an agent of chapter 6 play a game.

    \b
    Examples:
      dlcourse play rl/breakout-dqn-seed3
      dlcourse play rl/cartpole-dqn-seed0 -o cart.gif
      dlcourse play rl/frozen-lake-q-learning --delay 0.3
    """
    if output is not None:
        if output.suffix.lower() != ".gif":
            raise ValueError(f"--output must be a file that ends in .gif, found {output}")
        check_writable(output)
    agent, environment = load_player(name, pixels=output is not None)
    steps = watch(agent, environment, as_text if output is None else as_picture, seed=seed)
    shown = itertools.islice(steps, most)
    if output is not None:
        pictures, totals, _ = zip(*shown, strict=True)
        save_gif(output, pictures, max(20, round(1000 * delay)))
        typer.echo(f"{len(pictures)} pictures, return {totals[-1]:g}; the animation is in {output}")
        return
    # On a terminal each picture takes the place of the one before it.
    live = sys.stdout is not None and sys.stdout.isatty()
    for text, total, over in shown:
        end = "\nthe game is over" if over else ""
        typer.echo(("\x1b[H\x1b[J" if live else "") + f"{text}\nreturn {total:g}{end}")
        if live:
            time.sleep(delay)
