"""Fetch the scripts of the built book with npm, so that its pages need no other server.

    python tools/vendor.py NPM FOLDER [KIND]

reads the versions in package.json and fills FOLDER, which is not committed. KIND is
``dependencies``, what the book needs, or ``devDependencies``, what its tests need; what checks our
own scripts is for tools/javascript.py. Only the packages themselves are downloaded (``npm pack``),
not what they depend on: they are complete.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from javascript import TOOLS

ROOT = Path(__file__).resolve().parent.parent

#: What is copied from each package: a file or folder, and its name in the target folder.
FILES = {
    "mathjax": {
        # What tex-mml-chtml.js loads when a page needs it lies beside it.
        "es5/tex-mml-chtml.js": "mathjax/tex-mml-chtml.js",
        "es5/input/tex/extensions": "mathjax/input/tex/extensions",
        "es5/output/chtml/fonts": "mathjax/output/chtml/fonts",
        "es5/a11y": "mathjax/a11y",
        "es5/sre": "mathjax/sre",
        "LICENSE": "mathjax/LICENSE",
    },
    "requirejs": {"require.js": "widgets/require.js"},
    # All in one folder: see book/_static/widget-paths.js.
    "@jupyter-widgets/html-manager": {
        f"dist/{name}": f"widgets/{name}"
        for name in (
            "embed-amd.js",
            "1551f4f60c37af51121f.woff2",  # Font Awesome: the icons of buttons
            "7a3337626410ca2f4071.woff2",
            "d878b0a6a1144760244f.woff2",
        )
    },
    "anywidget": {"dist/index.js": "widgets/anywidget.js"},
    "reveal.js": {
        "dist/reveal.js": "reveal/reveal.js",
        "dist/reveal.css": "reveal/reveal.css",
        "dist/theme/white.css": "reveal/white.css",
        "dist/theme/black.css": "reveal/black.css",
        "dist/theme/fonts/source-sans-pro": "reveal/fonts/source-sans-pro",
        "plugin/notes/notes.js": "reveal/notes.js",
        "LICENSE": "reveal/LICENSE",
    },
    "axe-core": {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE"},
}


def fetch(npm: str, package: str, version: str, folder: Path) -> Path:
    """Download a package into a folder and return its archive."""
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
    try:
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip()
        sys.exit(
            f"npm could not fetch {package}@{version}: {reason}\n"
            "`make NPM= book` builds without npm; the pages then load these scripts from CDNs."
        )
    return folder / done.stdout.split()[-1]


def unpack(archive: Path, files: dict[str, str], target: Path) -> None:
    """Copy files and folders from an archive to their names below `target`."""
    missing = set(files)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("package/")
            for origin, new in files.items():
                content = tar.extractfile(member)
                if content and (name == origin or name.startswith(origin + "/")):
                    path = target / (new + name[len(origin) :])
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
                    missing.discard(origin)
    if missing:
        sys.exit(f"{archive.name} has no {', '.join(sorted(missing))}")


def main(npm: str, target: Path, kind: str = "dependencies") -> None:
    """Fill the target folder afresh; an older one stays until all has arrived."""
    versions = json.loads((ROOT / "package.json").read_text())[kind]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        for package, version in versions.items():
            if package in TOOLS:
                continue
            unpack(fetch(npm, package, version, Path(scratch)), FILES[package], fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in (
        [],
        ["dependencies"],
        ["devDependencies"],
    ):
        sys.exit("usage: python tools/vendor.py NPM FOLDER [dependencies | devDependencies]")
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
