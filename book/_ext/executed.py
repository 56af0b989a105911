"""What is known of the pages' execution: which must be read again, and a table of it.

Sphinx reads a page again when its text has changed, and would not notice that it has run again,
for instance after a change of the package. The directive ``execution-statistics`` shows how long
each page ran, when, and on what machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import UTC
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from jupyter_cache import get_cache
from jupyter_cache.cache.db import NbCacheRecord
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective


def records(env: BuildEnvironment) -> dict[str, NbCacheRecord]:
    """Return what the cache holds of each page of the book, the newest if there are several."""
    found = {}
    cache = get_cache(env.mystnb_config.execution_cache_path)  # type: ignore[attr-defined]
    for record in sorted(cache.list_cache_records(), key=lambda record: record.created):
        docname = env.path2doc(record.uri)
        if docname in env.found_docs:
            found[docname] = record
    return dict(sorted(found.items()))


def run_again(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    """Return the pages that have run since they were read."""
    read: Mapping[str, Any] = getattr(env, "nb_metadata", {})
    return [
        docname
        for docname, record in records(env).items()
        if docname in read
        and read[docname].get("exec_data", {}).get("mtime") != record.created.timestamp()
    ]


class ExecutionStatistics(SphinxDirective):
    """Insert a table of the pages for each machine that ran any."""

    def run(self) -> list[nodes.Node]:
        """Return the tables."""
        self.env.note_reread()  # other pages decide what it says
        machines: dict[str, list[str]] = {}
        for docname, record in records(self.env).items():
            if record.uri and "machine" in record.data:
                machines.setdefault(record.data["machine"], []).append(_row(docname, record))
        lines = []
        for machine, rows in machines.items():
            lines += [f"On {machine}:", "", "| page | seconds | its longest cell | when (UTC) |"]
            lines += ["|---|--:|--:|---|", *rows, ""]
        if not lines:
            lines = ["No page has run."]
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, __file__), self.content_offset, node)
        return node.children


def _row(docname: str, record: NbCacheRecord) -> str:
    data = record.data
    when = record.created.replace(tzinfo=UTC)
    seconds = f"{data['execution_seconds']:.1f}" if data["failure"] is None else "failed"
    return (
        f"| {{doc}}`/{docname}` | {seconds} | {max(data['cells'], default=0):.1f} "
        f"| {when:%Y-%m-%d %H:%M} |"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and what is looked for before pages are read."""
    app.connect("env-get-outdated", run_again)
    app.add_directive("execution-statistics", ExecutionStatistics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
