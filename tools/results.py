"""Write what README has from elsewhere: the results of the zoo, the newest benchmark, code lines.

python tools/results.py           rewrite the tables
python tools/results.py --check   fail if they are not up to date
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import statistics
import sys
import tokenize
from pathlib import Path
from typing import Any

from dlcourse import zoo

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BENCHMARKS = ROOT / "benchmarks" / "records"
PACKAGE = ROOT / "src" / "dlcourse"
#: What stands on the library; see the map in CONTRIBUTING.md.
ABOVE = (
    "applications",
    "lessons",
    "explore",
    "check",
    "doctor",
    "grading",
    "cli",
    "entries",
    "__main__",
)


def table() -> str:
    """Return one line for each recipe whose weights ship, its seeds taken together.

    Networks that saw only a part of MNIST are left out: they are there for a comparison.
    """
    groups: dict[str, list[str]] = {}
    for name in zoo.names():
        ships = (zoo.FOLDER / f"{name}.npz").exists()
        if ships and zoo.record(name)["recipe"].get("images") == 0:
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
        alone = first["training"]["workers"] == 1
        on = "one core" if alone else f"{first['hardware']['cores']} cores"
        lines.append(
            f"| `{group}` | {statistics.mean(accuracies):.2%}{several} "
            f"| {first['parameters']:,} | {first['recipe']['epochs']} | {minutes:.0f} min on {on} |"
        )
    together = zoo.record("ensembles/deep-convnet")
    lines.append(
        f"| the {len(together['network']['members'])} `deep-convnet-augmented` voting "
        f"| {together['test']['accuracy']:.2%} | | | |"
    )
    return "\n".join(lines)


def speed(folder: Path) -> str:
    """Return the times of the newest record of ``benchmarks/bench.py --record``, if there is one.

    The column of NumPy alone is from the newest record that was made without the kernels in C.
    """
    records = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    records = [record for record in records if record["contest"]]
    without, made = (
        [record for record in records if (record["versions"]["kernels"] == "none") is plain]
        for plain in (True, False)
    )
    if not made:
        return ""
    newest = max(made, key=lambda record: str(record["made"]))
    hardware, cases = newest["hardware"], newest["contest"].values()
    sides = max((size["seconds"] for case in cases for size in case["batches"].values()), key=len)
    lines = [
        f"Against PyTorch {newest['versions']['torch']}, both on {newest['threads']} threads "
        f"({hardware['processor']}, {hardware['cores']} cores, {newest['made'][:10]}). Medians in "
        "ms and, in brackets, quartiles over rounds that time all sides in turn. *By hand* is "
        "`model.gradient(x, t)` and the optimizer's step, *NumPy alone* our side without kernels "
        "in C, measured in a run of its own.",
        "",
        f"| what | batch | {' | '.join(sides)} | NumPy alone |",
        "|---|---|" + "---|" * (len(sides) + 1),
    ]
    none: dict[str, Any] = {"contest": {}}
    alone = max(without, key=lambda record: str(record["made"]), default=none)
    for name, case in newest["contest"].items():
        for size, result in case["batches"].items():
            seconds = [result["seconds"].get(side) for side in sides]
            plain = alone["contest"].get(name, {"batches": {}})["batches"].get(size)
            seconds.append(plain and plain["seconds"]["dlcourse"])
            row = case["title"], size, *map(_milliseconds, seconds)
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _milliseconds(spread: dict[str, float] | None) -> str:
    if spread is None:
        return ""
    median, low, high = (1000 * spread[key] for key in ("median", "low", "high"))
    return f"{median:.1f} ({low:.1f} to {high:.1f})"


def code_lines(source: str) -> int:
    """Return how many lines of a Python source have code: no docstring, comment or empty line."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        parts = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, parts) and ast.get_docstring(node, clean=False) is not None:
            documented.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    code: set[int] = set()
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in blank | {tokenize.ENDMARKER}:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documented)


def size() -> str:
    """Return how large the library and the whole package are, to hundreds of lines."""
    lines = {
        path.relative_to(PACKAGE): code_lines(path.read_text()) for path in PACKAGE.rglob("*.py")
    }
    library = sum(n for path, n in lines.items() if path.parts[0].removesuffix(".py") not in ABOVE)
    whole = sum(lines.values())
    return (
        f"The library has {round(library, -2):,} lines of Python, and the package "
        f"{round(whole, -2):,} with applications, lessons and\n"
        "the course's tools; docstrings, comments and empty lines are not counted."
    )


def written(text: str, tables: dict[str, str]) -> str:
    """Return the text with each table between the comments that carry its name."""
    for name, content in tables.items():
        start, end = f"<!-- {name}: made by tools/results.py -->", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        after = rest.split(end)[1]
        text = f"{before}{start}\n{content}\n{end}{after}".replace(f"\n\n{end}", f"\n{end}")
    return text


def main(check: bool) -> None:
    """Rewrite or check."""
    text = README.read_text()
    wanted = written(text, {"results": table(), "speed": speed(BENCHMARKS), "size": size()})
    if check:
        if wanted != text:
            sys.exit("README.md: not up to date; run python tools/results.py")
    else:
        README.write_text(wanted)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    main(parser.parse_args().check)
