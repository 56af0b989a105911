"""The random states that all of a process share, and that a call may change."""

from __future__ import annotations

import ctypes
import random
from typing import Any

import numpy as np

#: NumPy's Mersenne Twister in memory: 624 words and a position.
_BYTES = 624 * 4 + 4


class GlobalStates:
    """The states from which ``np.random`` and ``random`` draw, as the other side knows them.

    Examples
    --------
    >>> states = GlobalStates()
    >>> states.changed() is None
    True
    >>> before = random.random()
    >>> states.take(states.changed())
    """

    def __init__(self) -> None:
        self._known = _marks()

    def changed(self) -> list[Any] | None:
        """Return both states as data if one has changed; from now on the other side knows."""
        now = _marks()
        if now == self._known:
            return None
        self._known = now
        numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
        state, (version, internal, gauss) = numpy_state["state"], random.getstate()
        ours = [state["key"].tolist(), state["pos"], numpy_state["has_gauss"], numpy_state["gauss"]]
        return [ours, [version, list(internal), gauss]]

    def take(self, states: list[Any] | None) -> None:
        """Set the states to what `changed` returned on the other side."""
        if states is None:
            return
        (key, position, has_gauss, gauss), (version, internal, python_gauss) = states
        numpy_state = "MT19937", np.array(key, np.uint32), position, has_gauss, gauss
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate((version, tuple(internal), python_gauss))
        self._known = _marks()


def _marks() -> tuple[bytes, int, int]:
    # Cheap, as every call looks. A draw moves the place in the words; a new seed, or the last word,
    # changes the first.
    words = random.getstate()[1]
    address = np.random.get_bit_generator().ctypes.state_address  # type: ignore[attr-defined]
    return ctypes.string_at(address, _BYTES), words[0], words[-1]
