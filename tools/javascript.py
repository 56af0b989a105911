"""Check the JavaScript and the CSS: layout and rules (Biome), types (TypeScript).

    python tools/javascript.py install NPM    into _build/javascript, which is not committed
    python tools/javascript.py check [--fix]

The versions are those of ``devDependencies`` in package.json. Both tools come without dependencies
but their own programs, of the same version, so nothing has to be locked. The rules are in
biome.json, without the one that wants Math.min and Math.max, which take no BigInt and treat NaN
in another way than a comparison does; the files and options of TypeScript are in tsconfig.json.
Nothing is compiled, since types stand in comments.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "_build" / "javascript"
TOOLS = ("@biomejs/biome", "typescript")


def install(npm: str) -> None:
    """Install the tools afresh, without running anything that comes with them."""
    versions = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "devDependencies": {name: versions[name] for name in TOOLS}}
    (FOLDER / "package.json").write_text(json.dumps(wanted))
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"npm could not install {' and '.join(TOOLS)}: {done.stderr.strip()}\n"
            "`make NPM= lint` checks what needs no npm."
        )


def check(fix: bool = False) -> int:
    """Run both tools, also when the first one finds something; return 0 if neither does."""
    programs = FOLDER / "node_modules" / ".bin"
    if not programs.exists():
        sys.exit("expected Biome and TypeScript in _build/javascript, found none; run `make lint`")
    commands = [
        ["biome", "check", "--error-on-warnings", *(["--write"] if fix else [])],
        ["tsc", "--project", "tsconfig.json"],
    ]
    return max(
        subprocess.run([str(programs / command[0]), *command[1:]], cwd=ROOT, check=False).returncode
        for command in commands
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["install", npm]:
            install(npm)
        case ["check", *options] if options in ([], ["--fix"]):
            sys.exit(check(fix=bool(options)))
        case _:
            sys.exit("usage: python tools/javascript.py install NPM | check [--fix]")
