"""Paintings that ship, all of them in the public domain."""

from __future__ import annotations

from pathlib import Path

import dlcourse.data

# Files by name. Vincent van Gogh's Starry Night of 1889 is 320 pixels wide.
PAINTINGS = {
    "starry-night": Path(dlcourse.data.__file__).parent / "files" / "paintings" / "starry-night.jpg"
}
