"""Measure this package against PyTorch, and how its cost grows.

    make bench, or python benchmarks/bench.py [NAME ...] [--quick] [--record] [--threads 2]

Names choose what to measure; without any it is all, which takes about half an hour. Prints a line
for each result and writes _build/bench/record.json (with versions and hardware) and charts.
With --record it is kept in benchmarks/records as well, from where `python tools/results.py` takes
the README's table; what was measured with DLCOURSE_KERNELS=off stands beside the other. Close other
programs first: a busy core slows one side more than the other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cases import CASES
from charts import draw
from contest import OURS, contest, sides
from growth import GROWTH

from dlcourse.files import atomic_write, write_json
from dlcourse.zoo.environment import hardware, versions

RECORDS = Path(__file__).parent / "records"


def main() -> None:
    """Measure, print and write."""
    names = [*CASES, *GROWTH]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="one round of the smallest sizes")
    parser.add_argument("--record", action="store_true", help="keep it in benchmarks/records")
    parser.add_argument("--threads", type=int, default=_cores(), help="for every side")
    parser.add_argument("--seconds", type=float, default=20.0, help="for a case and batch size")
    parser.add_argument("--out", type=Path, default=Path("_build/bench"))
    args = parser.parse_args()
    if args.record and args.quick:
        parser.error("--quick measures too little to be recorded; leave out --record or --quick")
    unknown = sorted(set(args.names) - set(names))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(names)}")
    if importlib.util.find_spec("torch") is None:
        parser.error("PyTorch is not installed; make parity installs it")
    budget = 0.0 if args.quick else args.seconds
    record: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions() | {"torch": metadata.version("torch")},
        "hardware": hardware(),
        "threads": args.threads,
        "contest": {},
        "growth": {},
    }
    for name in args.names or names:
        start = time.perf_counter()
        if name in CASES:
            record["contest"][name] = _contest(name, args.threads, budget)
        else:
            result = GROWTH[name].measure(args.threads, budget, args.quick)
            record["growth"][name] = result
            print(_growth_line(result), flush=True)
        print(f"  ({name} took {time.perf_counter() - start:.0f} s)", flush=True)
        # After each, so that an interrupted run leaves what it has.
        with atomic_write(args.out / "record.json") as file:
            file.write(json.dumps(record, indent=1).encode())
    draw(record, args.out)
    print(f"written to {args.out}")
    if args.record:
        plain = "-numpy" if record["versions"]["kernels"] == "none" else ""
        path = RECORDS / f"{record['made'][:10]}{plain}.json"
        write_json(path, record)
        print(f"recorded in {path}; python tools/results.py brings the README up to date")


def _contest(name: str, threads: int, budget: float) -> dict[str, Any]:
    case = CASES[name]
    batches = {}
    for size in case.batches if budget else case.batches[:1]:
        result: Any = contest(name, size, threads, budget)
        batches[str(size)] = result
        print(f"{case.title}, batch {size}, {result['rounds']} rounds", flush=True)
        for side in sides(name):
            s, mb = result["seconds"][side], result["megabytes"][side]
            line = f"  {side:22s} {1000 * s['median']:8.1f} ms ({1000 * s['low']:.1f}"
            line += f" to {1000 * s['high']:.1f}), {mb['all']:.0f} MB, of which"
            line += f" {mb['above the libraries']:.0f} above the libraries"
            if side != OURS:
                r = result["times"][side]
                line += f"; we take {r['median']:.2f} times as long ({r['low']:.2f} to "
                line += f"{r['high']:.2f}; fastest to fastest {r['least']:.2f})"
            print(line, flush=True)
    return {"title": case.title, "batches": batches}


def _growth_line(result: Any) -> str:
    times = [f"{value}: {1000 * s['median']:.1f} ms" for value, s in result["seconds"].items()]
    return f"{result['title']}, by {result['axis']}: {', '.join(times)}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    main()
