"""An explorer of number formats: what becomes of one number in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer
from dlcourse.precision import FORMATS, Format

#: Numbers to start from: rounding, the ends of float16, underflow, a whole number too long for
#: float32, a loss gradient, the end of bfloat16.
EXAMPLES = ("0.1", "1", "1/3", "65504", "65520", "2^-24", "2^-25", "16777217", "1e-7", "1e39")

#: At both ends the slider reaches numbers that only float64 holds.
POWERS = (-155, 135)


@dataclass(frozen=True)
class _Shown:
    """A format."""

    name: str
    exponent_bits: int
    fraction_bits: int


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    formats: list[_Shown]
    examples: list[str]
    powers: tuple[int, int]  #: where the slider ends


def formats(shown: Sequence[Format] = FORMATS, examples: Sequence[str] = EXAMPLES) -> Explorer:
    """Show the bits of a number in several formats, its neighbours, and what is lost.

    Parameters
    ----------
    shown : sequence of Format
        The formats, one below another.
    examples : sequence of str
        Numbers to choose from, as a reader could type them: decimals, ``1/3`` or ``2^-25``.

    Raises
    ------
    ValueError
        If there is no format or no example.

    Examples
    --------
    >>> formats().data["formats"][2]
    {'name': 'float16', 'exponent_bits': 5, 'fraction_bits': 10}
    """
    if not shown or not examples:
        raise ValueError(
            f"expected at least one format and one example, found {len(shown)} and {len(examples)}"
        )
    data = _Data(
        formats=[_Shown(f.name, f.exponent_bits, f.fraction_bits) for f in shown],
        examples=list(examples),
        powers=POWERS,
    )
    return Explorer("formats", "Explorer: one number in several formats", data)
