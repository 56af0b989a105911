"""The directive ``source``: a method of the package in a page, as it stands in its file.

    ```{source} dlcourse.nn.pooling.MaxPool2d.backward
    ```

shows the code without its docstring (the option ``:docstring:`` keeps it), under a caption that
links to these lines on the web. Functions and classes can be shown as well. A listing has a
number, and ``{numref}`source-MaxPool2d.backward``` refers to it; the option ``:name:`` gives it
another name, which the second listing of a method needs. A page that shows a file is read again
when the file has changed. It does not run again for that.
"""

from __future__ import annotations

from typing import Any, ClassVar

from definitions import listing
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Source(SphinxDirective):
    """Insert the source of a function, method or class, with a caption."""

    required_arguments = 1
    option_spec: ClassVar = {"docstring": directives.flag, "name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the listing, and note that the page depends on the file."""
        try:
            shown = listing(self.arguments[0], "docstring" in self.options)
        except ValueError as error:
            raise self.error(f"source: {error}") from error
        self.env.note_dependency(str(shown.path))
        options = self.config.html_theme_options
        address = shown.address(options["repository_url"], options["repository_branch"])
        caption = nodes.caption()
        caption += nodes.literal(shown.name, shown.name)
        caption += nodes.Text(", in ")
        caption += nodes.reference("", shown.file, refuri=address)
        block = nodes.container(
            "",
            caption,
            nodes.literal_block(shown.code, shown.code, language="python"),
            literal_block=True,  # by this Sphinx knows what to number
            classes=["literal-block-wrapper"],
        )
        self.set_source_info(block)
        self.options.setdefault("name", f"source-{shown.name}")
        self.add_name(block)
        return [block]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("source", Source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
