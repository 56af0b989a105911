"""Write the README's table of results from the records of the zoo.

python tools/results.py           rewrite the table
python tools/results.py --check   fail if it is not up to date
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from pathlib import Path

from dlcourse import zoo

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- results: made by tools/results.py -->", "<!-- end of results -->"


def table() -> str:
    """Return one line for each recipe whose weights ship, its seeds taken together.

    Networks that saw only a part of MNIST are left out: they are there for a comparison.
    """
    groups: dict[str, list[str]] = {}
    for name in zoo.names():
        partly = zoo.Recipe(**zoo.record(name)["recipe"]).images > 0
        if (zoo.FOLDER / f"{name}.npz").exists() and not partly:
            groups.setdefault(re.sub(r"-seed\d+$", "", name), []).append(name)
    lines = [
        "| network and recipe | MNIST test accuracy | parameters | epochs | training time |",
        "|---|---|---|---|---|",
    ]
    for group, names in groups.items():
        records = [zoo.record(name) for name in names]
        accuracies = [record["test"]["accuracy"] for record in records]
        minutes = statistics.mean(record["seconds"] for record in records) / 60
        each = ", ".join(f"{a:.2%}" for a in accuracies)
        first = records[0]
        several = f", mean of {len(names)} seeds ({each})" if len(names) > 1 else ", one seed"
        alone = "--workers 1" in first["command"]
        on = "one core of a busy machine" if alone else f"{first['hardware']['cores']} cores"
        lines.append(
            f"| `{group}` | {statistics.mean(accuracies):.2%}{several} "
            f"| {first['parameters']:,} | {first['recipe']['epochs']} | {minutes:.0f} min on {on} |"
        )
    together = zoo.ensemble_record()
    lines.append(
        f"| the {len(together['members'])} `deep-convnet-augmented` voting "
        f"| {together['test']['accuracy']:.2%} | | | |"
    )
    return "\n".join(lines)


def main(check: bool) -> None:
    """Rewrite or check."""
    text = README.read_text()
    before, rest = text.split(START)
    after = rest.split(END)[1]
    wanted = f"{before}{START}\n{table()}\n{END}{after}"
    if check:
        if wanted != text:
            sys.exit("README.md: the table of results is out of date; run python tools/results.py")
    else:
        README.write_text(wanted)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    main(parser.parse_args().check)
