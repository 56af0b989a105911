"""A tile of sums in registers: what it needs, how often it loads, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """A core of a processor, as far as a tile feels it.

    Attributes
    ----------
    registers, lanes : int
        Vector registers that a program can name, and values in each.
    products, loads : int
        Multiply-adds of registers, and loads, that can begin in a cycle.
    latency : int
        Cycles until a sum can be added to again.
    spill : int
        Cycles to store a sum that lies in memory, after each product added to it.
    """

    registers: int = 32
    lanes: int = 16
    products: int = 2
    loads: int = 2
    latency: int = 4
    spill: int = 1


@dataclass(frozen=True)
class Bound:
    """What a tile takes for one step: one value of each pixel times a register's weights, Q times.

    Attributes
    ----------
    needed, spilled : int
        Registers that it needs, and sums that lie in memory because there are not so many.
    loads : int
        Loads in a step.
    cycles : dict
        Least cycles of a step for ``arithmetic``, ``loads`` and ``waiting`` for sums, which go on
        side by side, and those that ``spilling`` adds.
    share : float
        Of the peak, at best.
    """

    needed: int
    spilled: int
    loads: int
    cycles: dict[str, float]
    share: float


def bound(p: int, q: int, core: Core) -> Bound:
    """Return what a tile of `p` pixels and `q` registers of outputs needs, and its least time.

    The sums need a register each, the weights `q`, and a value of the image one more. It holds
    for one tile at a time: a core that begins the next one while this one waits is faster.

    Parameters
    ----------
    p, q : int
        Pixels, and registers of outputs for each.
    core : Core
        The processor's core.

    Raises
    ------
    ValueError
        If `p` or `q` is not at least 1.

    Examples
    --------
    >>> good = bound(14, 2, Core())
    >>> good.needed, good.loads, good.cycles["arithmetic"], good.share
    (31, 16, 14.0, 1.0)
    >>> bound(14, 4, Core()).spilled
    29
    """
    if p < 1 or q < 1:
        raise ValueError(f"a tile has at least 1 pixel and 1 register, found {p} and {q}")
    needed = p * q + q + 1
    spilled = max(0, needed - core.registers)
    cycles = {
        "arithmetic": p * q / core.products,
        "loads": (p + q) / core.loads,
        "waiting": float(core.latency),
        "spilling": float(core.spill * spilled),
    }
    total = max(cycles["arithmetic"], cycles["loads"], cycles["waiting"]) + cycles["spilling"]
    return Bound(needed, spilled, p + q + spilled, cycles, cycles["arithmetic"] / total)


def choose(width: int, outputs: int, core: Core) -> tuple[int, int]:
    """Return how many pixels, and registers of outputs for each, make a good tile.

    Two registers of outputs where there are as many outputs, and as many pixels as then have
    registers, up to 14; but no more tiles in a row than needed, all of the same size.

    Parameters
    ----------
    width : int
        Outputs in a row of the image.
    outputs : int
        Channels of the output.
    core : Core
        The processor's core.

    Examples
    --------
    >>> choose(28, 32, Core()), choose(28, 32, Core(registers=16, lanes=8))
    ((14, 2), (6, 2))
    """
    q = 1 if outputs <= core.lanes else 2
    most = min((core.registers - q - 1) // q, 14)
    tiles = -(-width // most)
    return -(-width // tiles), q
