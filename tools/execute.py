"""Run the pages that the cache does not hold, several side by side.

    python tools/execute.py [--jobs N]

Jupyter Book runs one page after another. This runs them beforehand, one per core, and keeps what
they print where Jupyter Book looks it up (``_build/.jupyter_cache``). Pages that measure times
(those of a folder named below) run last and alone. A page that fails is left to Jupyter Book, which
runs it once more and shows where it failed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase
from jupyter_cache.executors.utils import single_nb_execution
from twins import ROOT, pages

CACHE = ROOT / "_build" / ".jupyter_cache"
#: Seconds a cell may take, as in _config.yml: only a cell that hangs ends, not one that is slow.
TIMEOUT = 1800
#: Folders of the book whose pages measure times, which a neighbour would lengthen.
MEASURING = ("3-speed", "4-distributed")


def run(cache: JupyterCacheBase, paths: Sequence[Path], jobs: int) -> None:
    """Run pages that are not in the cache, `jobs` at a time, and put them into it."""
    with ThreadPoolExecutor(jobs) as pool:  # each page has a process of its own, its kernel
        running = {}
        for path in paths:
            record = cache.add_nb_to_project(
                str(path), read_data={"name": "myst_nb_md", "type": "plugin"}
            )
            if cache.get_cached_project_nb(record.pk) is None:
                notebook = cache.get_project_notebook(record.pk).nb
                work = pool.submit(
                    single_nb_execution, notebook, str(path.parent), TIMEOUT, allow_errors=False
                )
                running[work] = path, notebook, record
        for work in as_completed(running):
            path, notebook, record = running[work]
            result = work.result()
            name = path.relative_to(ROOT)
            if result.err is not None:
                print(f"{name}: {type(result.err).__name__} after {result.time:.0f} s", flush=True)
                continue
            bundle = CacheBundleIn(notebook, record.uri, data={"execution_seconds": result.time})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"{name}: {result.time:.0f} s", flush=True)


def main(jobs: int) -> None:
    """Run all pages that need it."""
    CACHE.parent.mkdir(exist_ok=True)
    cache = get_cache(str(CACHE))
    measuring = [path for path in pages(ROOT) if path.parent.name in MEASURING]
    others = [path for path in pages(ROOT) if path not in measuring]
    run(cache, others, jobs)
    run(cache, measuring, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the pages of the book side by side.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time")
    main(parser.parse_args().jobs)
