"""Whether the entries of the zoo are as good with kernels in C as without: all that ship.

python tools/figures.py [NAME ...]      measure all entries, or those named, both ways
"""

from __future__ import annotations

import sys
from typing import Any

from dlcourse import native, zoo
from dlcourse.entries import ENTRIES
from dlcourse.expect import one_of

#: Losses and the like differ by rounding; another answer to one image of 10,000 is more.
ROUNDING = 1e-5


def difference(found: Any, other: Any) -> float:
    """Return the largest relative difference of two results; infinity if they have other parts.

    Examples
    --------
    >>> difference({"accuracy": 0.5, "errors": [1, 2]}, {"accuracy": 0.5, "errors": [1, 4]})
    0.5
    >>> difference("a", "b")
    inf
    """
    if isinstance(found, dict) and isinstance(other, dict) and found.keys() == other.keys():
        return max((difference(found[key], other[key]) for key in found), default=0.0)
    if isinstance(found, list | tuple) and isinstance(other, list | tuple):
        if len(found) == len(other):
            return max(map(difference, found, other), default=0.0)
    elif isinstance(found, int | float) and isinstance(other, int | float):
        return float(abs(found - other) / max(abs(found), abs(other))) if found != other else 0.0
    return 0.0 if found == other else float("inf")


def main() -> None:
    """Print a line for each entry, and end with 1 if some differ by more than rounding."""
    known = {n: entry.evaluate for n, entry in ENTRIES.items() if entry.ships and entry.evaluate}
    there, told = native.status()
    if not there:
        sys.exit(f"tools/figures.py: there are no kernels to compare with: {told}")
    same = True
    for name in sys.argv[1:] or known:
        try:
            one_of("an entry that can be measured", name, known)
        except ValueError as error:
            sys.exit(f"tools/figures.py: {error}")
        evaluate = known[name]
        found = evaluate(zoo.load(name), whole=False)
        with native.plain():
            other = evaluate(zoo.load(name), whole=False)
        far = difference(found, other)
        same &= far <= ROUNDING
        print(f"{name:40} {'the same' if far == 0 else f'up to {far:.1g} apart'}", flush=True)
        if far > ROUNDING:
            print(f"  with kernels: {found}\n  without:      {other}", flush=True)
    sys.exit(not same)


if __name__ == "__main__":
    main()
