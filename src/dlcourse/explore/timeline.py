"""An explorer of what a challenge's best entries reached, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlcourse.explore.lib.widget import Explorer


@dataclass(frozen=True)
class Entry:
    """One entry of a yearly challenge.

    Attributes
    ----------
    year : int
        The year in which it took part.
    name : str
        What it is called.
    error : float
        Its error in per cent.
    layers : int or None
        How many layers with weights its network has; None where that cannot be said.
    note : str
        Something about it, in a sentence or two.
    source : str
        Where the error is published.
    """

    year: int
    name: str
    error: float
    layers: int | None
    note: str
    source: str


@dataclass(frozen=True)
class _Reference:
    """What the errors are compared with."""

    name: str
    error: float


@dataclass(frozen=True)
class _Data:
    """What the JavaScript shows."""

    measure: str
    entries: list[Entry]
    reference: _Reference | None


def timeline(
    entries: Sequence[Entry], measure: str, reference: tuple[str, float] | None = None
) -> Explorer:
    """Show errors and depths of a challenge's entries as bars, one per row, in order of years.

    Parameters
    ----------
    entries : sequence of Entry
        Entries of the same year stay in the order given.
    measure : str
        What the errors are, as in "top-5 error".
    reference : (str, float), optional
        A name and an error in per cent to compare with, drawn as a line through all bars.

    Raises
    ------
    ValueError
        If there is no entry, an error is not a percentage, or a source is missing.

    Examples
    --------
    >>> eight = Entry(2012, "AlexNet", 16.4, 8, "Five networks vote.", "Russakovsky et al. 2015")
    >>> timeline([eight], "top-5 error").data["entries"][0]["layers"]
    8
    """
    if not entries:
        raise ValueError("expected at least one entry, found none")
    for entry in entries:
        if not 0 < entry.error <= 100:
            raise ValueError(
                f"errors must be above 0 and at most 100 per cent, found {entry.error} "
                f"for {entry.name!r}"
            )
        if not entry.source.strip():
            raise ValueError(f"every error needs a source, found none for {entry.name!r}")
    data = _Data(
        measure=measure,
        entries=sorted(entries, key=lambda entry: entry.year),
        reference=_Reference(*reference) if reference else None,
    )
    return Explorer("timeline", f"Explorer: {measure} and depth, year by year", data)
