"""Make the entries of the zoo: train each by its command, and copy what ships.

python tools/zoo.py [NAME ...]      all entries, or those named; interrupted ones are resumed
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dlcourse import zoo
from dlcourse.entries import ENTRIES
from dlcourse.expect import one_of
from dlcourse.files import atomic_write


def make(name: str) -> None:
    """Train an entry in ``runs/NAME``, and copy its record, and its weights if they ship."""
    folder = Path("runs") / name
    command = [sys.executable, "-m", "dlcourse", "train-entry", name, "-o", str(folder)]
    subprocess.run(command, check=True)
    copies = {"record.json": f"{name}.json", "weights.npz": f"{name}.npz"}
    for source, target in copies.items():
        if source == "record.json" or (ENTRIES[name].ships and (folder / source).exists()):
            with atomic_write(zoo.FOLDER / target) as file:
                file.write((folder / source).read_bytes())


def main() -> None:
    """Make all entries, or those named."""
    names = sys.argv[1:] or list(ENTRIES)
    for name in names:
        try:
            one_of("an entry", name, ENTRIES)
        except ValueError as error:
            sys.exit(f"tools/zoo.py: {error}")
    for name in names:
        make(name)


if __name__ == "__main__":
    main()
