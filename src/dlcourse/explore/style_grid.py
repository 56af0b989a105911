"""An explorer of style transfer: how much style, and of which layers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class _Losses:
    """The final losses, and that of the style before."""

    content: float
    style: float
    style_before: float


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    pictures: dict[str, str]
    layers: list[str]
    weights: list[float]
    losses: dict[str, _Losses]


def style_grid(pictures: Mapping[str, bytes], test: Mapping[str, Mapping[str, Any]]) -> Explorer:
    """Choose a weight of the style and its deepest layer, and see the picture.

    Parameters
    ----------
    pictures : mapping from str to bytes
        JPEG files by ``LAYER-WEIGHT``, plus "content" and "style".
    test : mapping from str to mapping
        The final ``content`` and ``style`` losses of each, and the style loss ``style_before``.

    Raises
    ------
    ValueError
        If a picture is missing.

    Examples
    --------
    >>> losses = {"content": 1.0, "style": 0.5, "style_before": 2.0}
    >>> files = {name: b"" for name in ("content", "style", "conv1_1-10")}
    >>> style_grid(files, {"conv1_1-10": losses}).data["weights"]
    [10.0]
    """
    missing = [name for name in ("content", "style", *test) if name not in pictures]
    if missing:
        raise ValueError(f"expected a picture for each entry, found none for {missing[0]!r}")
    data = _Data(
        pictures={
            name: "data:image/jpeg;base64," + base64.b64encode(content).decode()
            for name, content in pictures.items()
        },
        layers=sorted({name.partition("-")[0] for name in test}),
        weights=sorted({float(name.partition("-")[2]) for name in test}),
        losses={name: _Losses(**losses) for name, losses in test.items()},
    )
    return Explorer("style_grid", "Explorer: how much style, and of which layers", data)
