"""The directive ``command-help``: what ``dlcourse COMMAND --help`` prints, for each command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command
from typer.testing import CliRunner

import dlcourse.cli


class CommandHelp(SphinxDirective):
    """Insert a section for each command, with its help."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        for path in Path(dlcourse.cli.__file__).parent.glob("*.py"):
            self.env.note_dependency(str(path))
        commands = get_command(dlcourse.cli.app).commands  # type: ignore[attr-defined]
        return [self.section(name) for name in commands]

    def section(self, name: str) -> nodes.section:
        """Return the section of one command."""
        result = CliRunner().invoke(
            dlcourse.cli.app, [name, "--help"], prog_name="dlcourse", terminal_width=88
        )
        title = f"dlcourse {name}"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title(title, title)
        section += nodes.literal_block(result.output, result.output.strip(), language="text")
        return section


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
