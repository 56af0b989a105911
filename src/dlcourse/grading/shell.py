"""What the first cell of a notebook finds."""

from __future__ import annotations

import sys
import types
from typing import Any


class _Shell:
    """What `get_ipython` returns: whatever it is asked for, nothing happens."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def begin() -> dict[str, Any]:
    """Begin an empty notebook, as the module ``__main__``; return its names."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = vars(module)
    names["get_ipython"] = _Shell
    names["display"] = lambda *args, **kwargs: None
    return names
