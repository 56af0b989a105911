"""Measure the rungs in C on this machine, and write the record for machines without a compiler.

    python tools/kernels.py

The page `book/3-speed/kernel.md` shows it where it cannot measure. Close other programs first.
"""

from __future__ import annotations

from dlcourse.files import write_json
from dlcourse.lessons.ladder.bench import RECORD, Bench, Layer

#: What the page asks for: the layer of its rungs, and that of its search for a tile.
RUNGS, SEARCH = Layer(25, 28, 16, 16), Layer(25, 14, 64, 64)


def main() -> None:
    """Measure and write."""
    bench = Bench()
    if not bench.live:
        raise SystemExit("expected a C compiler, found none; pip install ziglang brings one")
    for sums in (1, 2, 4, 8, 12, 16, 28, 56):
        bench.peak(sums)
    for name in ("loops", "reordered", "register"):
        bench.rate(RUNGS, name)
        bench.listing(name)
    for layer in (RUNGS, SEARCH):
        for p in (1, 2, 4, 7, 14):
            for q in (1, 2, 4):
                if layer.outside % (q * bench.machine["lanes"]) == 0:
                    bench.rate(layer, "tile", P=p, Q=q)
    for p in (1, 2, 4, 7, 14):
        bench.rate(RUNGS, "tile", P=p, Q=1, CHANNELS=RUNGS.inside)
        bench.listing("tile", P=p, Q=1, CHANNELS=RUNGS.inside)
    for p, q in ((4, 1), (14, 1), (4, 2), (14, 4)):
        bench.listing("tile", P=p, Q=q)
    record = {"machine": bench.machine, "values": bench.values, "listings": bench.listings}
    write_json(RECORD, record)


if __name__ == "__main__":
    main()
