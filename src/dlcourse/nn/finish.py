"""What a layer does for those behind it, while it still has each value at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlcourse.backend import Array


@dataclass(slots=True)
class Finish:
    """What a layer is to do with its output before it is written, see `dlcourse.nn.chained`."""

    factors: Callable[[], tuple[Array, Array]] | None  #: returns a scale and a shift per channel
    plus: Array | None  #: then added to the output
    relu: bool  #: whether ReLU follows
    relu6: bool  #: whether ReLU6 follows
    pool: bool  #: whether the largest of each 2x2 values is taken then
    keep: bool  #: whether a backward pass may follow, which needs the rest
    kept: Array | None = None  #: the mask of either; the layer sets it
    source: Callable[[], Array] | None = None  #: the output before all that; the layer sets it
