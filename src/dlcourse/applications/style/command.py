"""What ``dlcourse style`` does: from two files to a third."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dlcourse.applications.style.features import NAMES, SOURCES, load_features
from dlcourse.applications.style.paintings import PAINTINGS
from dlcourse.applications.style.transfer import OPTIMIZERS, Losses, StyleTransfer, transfer_style
from dlcourse.data import load_photograph, save_photograph
from dlcourse.data.photograph import picture_format
from dlcourse.expect import one_of
from dlcourse.files import check_writable
from dlcourse.training import Stream, generator

#: What the first picture may be.
STARTS = ("content", "noise")


def write_stylised(
    content: Path,
    style: str,
    output: Path,
    *,
    size: int,
    steps: int,
    weights: tuple[float, float],
    style_layers: Sequence[str],
    optimizer: str,
    start: str,
    features: str,
    every: int,
    seed: int,
    progress: bool,
    say: Callable[[str], None],
) -> list[Losses]:
    """Read two pictures, and write one that shows the first in the style of the second.

    Parameters
    ----------
    content : pathlib.Path
        A picture.
    style : str
        The path of a picture, or the name of one of `PAINTINGS`.
    output : pathlib.Path
        The file to write. Pictures on the way have the number of the step added to their names.
    size : int
        Pixels of the longer side of each picture.
    weights : (float, float)
        Of the style and of the total variation.
    start : str
        One of `STARTS`.
    features : str
        As in `load_features`.
    every : int
        Steps between pictures on the way; 0 for none.
    seed : int
        What noise and random features are drawn from.
    say : callable
        Told what is used and what came out, one line per call.
    steps, style_layers, optimizer, progress
        As in `StyleTransfer` and `transfer_style`.

    Raises
    ------
    ValueError
        If an argument is out of its range; nothing is written then.
    FileNotFoundError
        If there is no such picture.
    ImportError
        If a package that is asked for is not installed.
    """
    picture_format(output)
    check_writable(output)
    one_of("--start", start, STARTS)
    one_of("--optimizer", optimizer, OPTIMIZERS)
    one_of("--features", features, ("auto", *SOURCES))
    for layer in style_layers:
        one_of("--style-layers", layer, NAMES)
    shown = load_photograph(content, size)
    painted = load_photograph(PAINTINGS.get(style, Path(style)), size)
    vgg = load_features(features, rng=generator(seed, Stream.INIT))
    say(f"features: {vgg.source}")
    loss = StyleTransfer(
        *(vgg, shown, painted),
        style_weight=weights[0],
        variation_weight=weights[1],
        style_layers=style_layers,
    )

    def on_step(step: int, image: np.ndarray) -> None:
        if every and step % every == 0 and step < steps:
            save_photograph(image, output.with_stem(f"{output.stem}-{step:04d}"))

    rng = generator(seed, Stream.START)
    first = shown if start == "content" else rng.random(shown.shape, np.float32)
    image, losses = transfer_style(
        loss, first, steps, optimizer=optimizer, on_step=on_step, progress=progress
    )
    save_photograph(image, output)
    for step in sorted({0, steps // 2, steps}):
        content_loss, style_loss, variation, total = losses[min(step, len(losses) - 1)]
        say(
            f"step {step:4d}  content {content_loss:.4f}  style {style_loss:.6f}  "
            f"variation {variation:.4f}  total {total:.4f}"
        )
    before, after = losses[0].style, losses[-1].style
    # A picture that has the style already has a loss of 0.
    change = f"{before / after:,.0f} times smaller" if after else f"{before:g} before, 0 now"
    say(f"style loss {change}; wrote {output}")
    return losses
