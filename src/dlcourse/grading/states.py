"""The random states that all of a process share, and that a call may change."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

States = tuple[Any, Any]


def global_states() -> States:
    """Return the states from which ``np.random`` and ``random`` draw."""
    return np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002


def changed_states(known: States) -> tuple[list[Any] | None, States]:
    """Return what has changed, as data, and the states now."""
    now = global_states()
    numpy_now, numpy_known = now[0], known[0]
    same = numpy_now["state"]["pos"] == numpy_known["state"]["pos"] and np.array_equal(
        numpy_now["state"]["key"], numpy_known["state"]["key"]
    )
    if same and now[1] == known[1]:
        return None, now
    key = numpy_now["state"]["key"].tolist()
    numpy_state = [key, numpy_now["state"]["pos"], numpy_now["has_gauss"], numpy_now["gauss"]]
    version, internal, gauss = now[1]
    return [numpy_state, [version, list(internal), gauss]], now


def set_global_states(states: list[Any] | None, known: States) -> States:
    """Set the states to what `changed_states` returned on the other side."""
    if states is None:
        return known
    (key, pos, has_gauss, cached), (version, internal, gauss) = states
    numpy_state = "MT19937", np.array(key, np.uint32), pos, has_gauss, cached
    np.random.set_state(numpy_state)  # noqa: NPY002
    random.setstate((version, tuple(internal), gauss))
    return global_states()
