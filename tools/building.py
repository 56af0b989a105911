"""Build the book: run the pages that need it, then Jupyter Book, then say what failed.

python tools/building.py [--jobs N]           the whole book, in _build/html
python tools/building.py --page 3-speed/gpu   one page, in _build/page/html
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from execute import cores, execute, open_cache, prepare_kernels
from jupyter_book.sphinx import build_sphinx
from twins import ROOT, pages

from dlcourse import files

BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"  #: where Jupyter Book looks
#: What a page that is built alone refers to is not there.
ABSENT = ["bibtex", "myst.domains", "myst.xref_missing", "ref"]


def main() -> int:
    """Build what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description="Build the book, or one page of it.")
    parser.add_argument("--jobs", type=int, default=cores(), help="pages that run at a time")
    parser.add_argument("--page", help="the only page to build, as in 3-speed/gpu")
    options = parser.parse_args()
    page = None if options.page is None else find(options.page)
    with alone(BUILD):
        prepare_kernels()
        wanted = [path for path in pages(ROOT) if page in (None, path)]
        failures = execute(wanted, options.jobs, open_cache(CACHE))
        built = build_book() if page is None else build_page(page)
    report(failures)
    return 0 if built and not failures else 1


def find(name: str, root: Path = ROOT) -> Path:
    """Return the page of a name, which may begin with book/ and end with .md."""
    known = {path.relative_to(root / "book"): path for path in root.glob("book/**/*.md")}
    names = {path.with_suffix("").as_posix(): page for path, page in known.items()}
    asked = name.removeprefix("./").removeprefix("book/").removesuffix(".md")
    if asked in names:
        return names[asked]
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.3)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else "name it as in make page PAGE=book/3-speed/gpu"
    )
    raise SystemExit(f"{name}: there is no such page; {hint}")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process builds there: cache and book have one writer at a time."""
    folder.mkdir(exist_ok=True)
    told = False
    while True:
        try:
            with files.locked(folder / ".lock"):
                yield
                return
        except BlockingIOError:
            if not told:
                print("Another build of this book is at work; this one waits for it", flush=True)
            told = True
            time.sleep(1)


def build_book() -> bool:
    """Let Jupyter Book build all pages, and return whether it had nothing to complain of."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "-W", "-n"]
    if subprocess.run([*map(str, command), "--keep-going"], check=False).returncode == 0:
        return True
    # Sphinx forgets the warnings of pages that it has read: let it read them all next time.
    shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
    return False


def build_page(page: Path) -> bool:
    """Let Jupyter Book build a book of one page, say where it is, and return whether it could."""
    name, folder = page.relative_to(ROOT).with_suffix("").as_posix(), BUILD / "page"
    folder.mkdir(exist_ok=True)
    contents = folder / "_toc.yml"
    contents.write_text(yaml.safe_dump({"format": "jb-book", "root": name}))
    status: object = build_sphinx(
        ROOT,
        folder / "html",
        noconfig=True,
        path_config=ROOT / "_config.yml",
        confoverrides={
            "external_toc_path": str(contents),
            "latex_individualpages": False,
            "nb_execution_cache_path": str(CACHE),
            "suppress_warnings": ABSENT,
        },
        quiet=True,
        warningiserror=True,
        keep_going=True,
    )
    print(f"The page is in {(folder / 'html' / name).with_suffix('.html').as_uri()}")
    return status == 0


def report(failures: Mapping[Path, str]) -> None:
    """Print what failed, a line for each page."""
    if failures:
        print(f"\n{len(failures)} of the pages failed; the others are built:")
    for page, failure in sorted(failures.items()):
        print(f"{page.relative_to(ROOT)}, {failure}")


if __name__ == "__main__":
    sys.exit(main())
