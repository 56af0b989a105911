"""Run the pages whose outputs are missing or out of date, several side by side.

What a page prints is kept where Jupyter Book looks it up: in the cache of jupyter-cache, which
finds it by the code of the page. Beside it lies what the page read while it ran (`inputs`), and a
page whose code or whose inputs have changed runs again. Pages that measure times (those of a folder
named below) run last and alone. The others begin with those that took longest the last time, so
that no core waits long for another in the end.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import inputs
import numpy as np
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from twins import ROOT

from dlcourse.native.library import library
from dlcourse.zoo.environment import hardware, versions

#: Seconds a cell may take, as in _config.yml: only a cell that hangs ends, not one that is slow.
TIMEOUT = 1800
#: Folders of the book whose pages measure times, which a neighbour would lengthen.
MEASURING = ("3-speed", "4-distributed")
#: What of a run the cache must hold.
FIELDS = {"execution_seconds", "cells", "machine", "inputs", "failure"}


@dataclass
class Run:
    """A page that has run."""

    page: Path
    notebook: NotebookNode
    seconds: float
    cells: list[float]  #: seconds of each cell of code that ran
    inputs: dict[str, str]
    failure: str | None  #: the cell that failed, and how


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals alone: each client would catch Ctrl-C for its own kernel only."""

    def add_signal_handler(self, *arguments: object) -> None:
        raise NotImplementedError


def prepare_kernels() -> None:
    """Compile the kernels in C, so that no page does and says so where its output stands.

    Where that fails, this process says why, and pages do without and need not say it again.
    """
    for dtype in (np.float32, np.float64):
        if library(np.dtype(dtype)) is None:
            os.environ["DLCOURSE_KERNELS"] = "off"


def execute(
    pages: Sequence[Path], jobs: int, cache: JupyterCacheBase, root: Path = ROOT
) -> dict[Path, str]:
    """Run those of the pages that need it, `jobs` at a time; return what failed, by page."""
    late = {}
    for page in pages:
        notebook = read(cache, page)
        reason = stale(cache, notebook, root)
        if reason is not None:
            late[page] = notebook, reason
    print(f"{len(pages)} pages, {len(pages) - len(late)} of them as they ran before", flush=True)
    failures = {}

    async def work(page: Path, places: asyncio.Semaphore) -> None:
        notebook, reason = late[page]
        async with places:
            done = await run(page, notebook, root)
        keep(cache, done)
        if done.failure is not None:
            failures[page] = done.failure
        said = "fails after " if done.failure else ""
        print(f"{page.relative_to(root)}: {said}{done.seconds:.0f} s ({reason})", flush=True)

    async def side_by_side(group: Sequence[Path], places: int) -> None:
        free = asyncio.Semaphore(places)
        await asyncio.gather(*(work(page, free) for page in group))

    known = {r.uri: r.data.get("execution_seconds") for r in cache.list_cache_records()}
    order = sorted(late, key=lambda page: known.get(str(page)) or math.inf, reverse=True)
    alone = [page for page in order if page.parent.name in MEASURING]
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(side_by_side([page for page in order if page not in alone], jobs))
        runner.run(side_by_side(alone, 1))
    return failures


def read(cache: JupyterCacheBase, page: Path) -> NotebookNode:
    """Return a page as a notebook, as Jupyter Book will read it."""
    record = cache.add_nb_to_project(str(page), read_data={"name": "myst_nb_md", "type": "plugin"})
    notebook: NotebookNode = cache.get_project_notebook(record.pk).nb
    return notebook


def stale(cache: JupyterCacheBase, notebook: NotebookNode, root: Path) -> str | None:
    """Return why a page has to run, or None if the cache holds what it prints."""
    try:
        record = cache.match_cache_notebook(notebook)
        if not record.data.keys() >= FIELDS:
            return "it was not run by make book"
        cache.get_cache_bundle(record.pk)
    except (KeyError, ValueError):  # the second if the file was not written to its end
        return "its code is new"
    if record.data["failure"] is not None:
        return "it failed before"
    changes = inputs.changed(record.data["inputs"], root)
    if not changes:
        return None
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0].strip()}{more} changed"


async def run(page: Path, notebook: NotebookNode, root: Path) -> Run:
    """Run a page in the folder where it lies, in a process of its own."""
    at = 0

    def begin(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = cell_index

    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        # A busy machine may be slow to start a kernel and to pass on what it prints.
        startup_timeout=TIMEOUT,
        iopub_timeout=TIMEOUT,
        raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(page.parent)}},
        on_cell_start=begin,
        extra_arguments=["--log-level=ERROR"],  # no remark of each kernel on encryption
    )
    failure = None
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        record.touch()
        started, clock = time.time(), time.perf_counter()
        try:
            await client.async_execute(env=inputs.recording(record, root))
        except Exception as error:  # a kernel that dies or cannot start raises others
            failure = _where(notebook, at) + _what(error)
        seconds = time.perf_counter() - clock
        made_from = inputs.recorded(record, started, root)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    times = [_seconds(cell.metadata.pop("execution", {})) for cell in cells]
    return Run(
        page,
        notebook,
        seconds,
        [t for t in times if t is not None],
        made_from,
        failure or _warning(notebook),
    )


def keep(cache: JupyterCacheBase, run: Run) -> None:
    """Put a page that has run into the cache, in place of its earlier runs.

    A page that failed is kept as well, so that Jupyter Book shows how far it came. The record is
    written first and the notebook then, so `stale` notices if this was interrupted: half a
    notebook is no JSON.
    """
    for record in cache.list_cache_records():
        if record.uri == str(run.page):
            try:
                cache.remove_cache(record.pk)
            except KeyError:  # its file was never written
                NbCacheRecord.remove_records([record.pk], cache.db)
    machine = hardware()
    data: dict[str, Any] = {
        "execution_seconds": run.seconds,
        "cells": run.cells,
        "machine": f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {versions()['python']}, NumPy {versions()['numpy']}",
        "inputs": run.inputs,
        "failure": run.failure,
    }
    bundle = CacheBundleIn(run.notebook, str(run.page), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def open_cache(path: Path) -> JupyterCacheBase:
    """Return the cache of pages that have run, which is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return get_cache(str(path))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _where(notebook: NotebookNode, index: int) -> str:
    """Say which cell it is: the line of the page, and which cell of code."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    return f"line {notebook.metadata.source_map[index] + 1}, cell {number} of code: "


def _what(error: Exception) -> str:
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}"
    return f"{type(error).__name__}: {error}"


def _warning(notebook: NotebookNode) -> str | None:
    """Return where and what the page printed on standard error, which is for warnings."""
    for index, cell in enumerate(notebook.cells):
        if "remove-stderr" not in cell.metadata.get("tags", ()):
            for output in cell.get("outputs", ()):
                if output.get("name") == "stderr":
                    return f"{_where(notebook, index)}on standard error: {output.text.strip()}"
    return None


def _seconds(timing: dict[str, str]) -> float | None:
    """Return how long a cell took, from what nbclient has noted of it."""
    ends = (timing.get("iopub.execute_input"), timing.get("shell.execute_reply"))
    if None in ends:
        return None
    begin, end = (datetime.fromisoformat(str(at).replace("Z", "+00:00")) for at in ends)
    return round((end - begin).total_seconds(), 3)
