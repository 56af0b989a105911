"""Point the pages to the scripts that tools/vendor.py has fetched, where it has.

Without them Sphinx and MyST-NB keep their defaults, which are addresses of CDNs.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from myst_nb.core.config import ipywidgets_js_factory
from sphinx.application import Sphinx
from sphinx.config import Config

VENDOR = Path(__file__).resolve().parent.parent / "_static" / "vendor"


def use_vendored(app: Sphinx, config: Config) -> None:
    """Set the addresses of MathJax and of the widgets' scripts, relative to ``_static``."""
    scripts = ipywidgets_js_factory()
    if VENDOR.exists():
        config.mathjax_path = "vendor/mathjax/tex-mml-chtml.js"
        scripts = {
            "vendor/widgets/require.js": {},
            "widget-paths.js": {},
            "vendor/widgets/embed-amd.js": {},
        }
    config.nb_ipywidgets_js = {"widget-formulas.js": {}} | scripts


def drop_stale(app: Sphinx, error: Exception | None) -> None:
    """Remove what an earlier build with npm has left among the pages, for nothing uses it now."""
    if not VENDOR.exists():
        shutil.rmtree(Path(app.outdir) / "_static" / "vendor", ignore_errors=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", use_vendored)
    app.connect("build-finished", drop_stale)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
