"""The pages that grading writes: one file each, readable offline and by everyone, without scripts.

Templates lie in `pages/`. Whatever is put into them is text, unless `inert.to_html` made it.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dlcourse.files import atomic_write, one_line


def write(path: Path, template: str, **values: object) -> None:
    """Write a page, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    template : str
        The name of the template.
    **values : object
        What the template shows.
    """
    page = _ENVIRONMENT.get_template(template).render(**values)
    with atomic_write(path) as file:
        file.write(page.encode(errors="replace"))  # half a pair of UTF-16 is no text


def address(*parts: str) -> str:
    """Return a relative address, whatever the names of its parts are.

    Examples
    --------
    >>> address("..", "feedback", "Ana Müller #1", "ps1.html")
    '../feedback/Ana%20M%C3%BCller%20%231/ps1.html'
    """
    return "/".join(quote(os.fsencode(part), safe="") for part in parts)


def points(value: float | None) -> str:
    """Return points as people write them.

    Examples
    --------
    >>> points(8.0), points(2.5), points(10 / 3), points(None)
    ('8', '2.5', '3.33', '')
    """
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def moment(when: datetime | None) -> str:
    """Return a time to the minute, with its offset from UTC.

    Examples
    --------
    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 28, 18, 5, tzinfo=UTC))
    '2026-11-28 18:05 UTC'
    """
    if when is None:
        return ""
    return f"{when:%Y-%m-%d %H:%M} {when.tzname() or ''}".strip()


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(points=points, moment=moment, one_line=one_line)
