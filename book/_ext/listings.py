"""The directive ``source``: a method of the package in a page, as it stands in its file.

    ```{source} dlcourse.nn.pooling.MaxPool2d.backward
    ```

shows the code without its docstring (the option ``:docstring:`` keeps it), under a caption that
links to these lines on the web. Functions and classes can be shown as well. A listing has a
number, and ``{numref}`source-MaxPool2d.backward``` refers to it; the option ``:name:`` gives it
another name, which the second listing of a method needs. A page that shows a file is read again
when the file has changed. It does not run again for that.

The option ``:explorer: MaxPool2d`` adds a link to the first layer of this class in the explorer "The
whole network" of the page, and ``:explorer: MaxPool2d towards-deeper`` to that of another page, as
seen from this one. The explorer opens the layer backward (``explore/js/network/links.js``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from definitions import listing
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Source(SphinxDirective):
    """Insert the source of a function, method or class, with a caption."""

    required_arguments = 1
    option_spec: ClassVar = {
        "docstring": directives.flag,
        "explorer": directives.unchanged_required,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Return the listing, and note that the page depends on the file."""
        try:
            shown = listing(self.arguments[0], "docstring" in self.options)
            at_work = self.at_work(self.options["explorer"]) if "explorer" in self.options else None
        except ValueError as error:
            raise self.error(f"source: {error}") from error
        self.env.note_dependency(str(shown.path))
        options = self.config.html_theme_options
        address = shown.address(options["repository_url"], options["repository_branch"])
        caption = nodes.caption()
        caption += nodes.literal(shown.name, shown.name)
        caption += nodes.Text(", in ")
        caption += nodes.reference("", shown.file, refuri=address)
        if at_work:
            caption += nodes.Text("; ")
            caption += nodes.reference("", "see it at work", refuri=at_work, internal=True)
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

    def at_work(self, option: str) -> str:
        """Return the address of a layer in an explorer."""
        layer, *pages = option.split()
        if not pages:
            return f"#explorer-network-{layer}"
        page, path = self.env.relfn2path(f"{pages[0]}.md")
        if len(pages) > 1 or not Path(path).exists():
            raise ValueError(
                "expected a layer and at most one page as an explorer, such as "
                f"'MaxPool2d towards-deeper', found {option!r}"
            )
        name = page.removesuffix(".md")
        address = self.env.app.builder.get_relative_uri(self.env.docname, name)
        return f"{address}#explorer-network-{layer}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("source", Source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
