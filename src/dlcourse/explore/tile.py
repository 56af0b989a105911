"""An explorer of a tile of sums: what lies in registers, how often a load is used, what limits."""

from __future__ import annotations

from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer
from dlcourse.lessons.ladder.tiles import Core

#: What the reader can choose.
REGISTERS, LANES = (16, 32), (4, 8, 16)
#: Where the sliders stop.
PIXELS, OUTPUTS = 16, 6


@dataclass(frozen=True)
class _Data:
    """What to start from, where the sliders end, and what can be chosen."""

    pixels: int
    outputs: int
    core: Core
    most: tuple[int, int]
    registers: list[int]
    lanes: list[int]


def tile(p: int = 4, q: int = 1, core: Core | None = None) -> Explorer:
    """Choose a tile of pixels times registers of outputs, and see what a core makes of it.

    Parameters
    ----------
    p, q : int
        Pixels, and registers of outputs for each, to start from.
    core : Core, optional
        The processor's core to start from; one with 32 registers of 16 lanes when left out.

    Raises
    ------
    ValueError
        If a number is not one that the reader can choose.

    Examples
    --------
    >>> tile(7, 2).data["pixels"]
    7
    """
    core = core or Core()
    if not (1 <= p <= PIXELS and 1 <= q <= OUTPUTS):
        raise ValueError(
            f"expected 1 to {PIXELS} pixels and 1 to {OUTPUTS} registers of outputs, "
            f"found {p} and {q}"
        )
    if core.registers not in REGISTERS or core.lanes not in LANES:
        raise ValueError(
            f"registers must be one of {', '.join(map(str, REGISTERS))} and lanes one of "
            f"{', '.join(map(str, LANES))}, found {core.registers} and {core.lanes}"
        )
    data = _Data(
        pixels=p,
        outputs=q,
        core=core,
        most=(PIXELS, OUTPUTS),
        registers=list(REGISTERS),
        lanes=list(LANES),
    )
    return Explorer("tile", "Explorer: a tile of sums in registers", data)
