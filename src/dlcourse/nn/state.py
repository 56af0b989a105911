"""Putting the arrays of a state back: all of them, or none if one does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dlcourse.backend import Array, array_module


def check_fit(own: Mapping[str, Any], state: Mapping[str, Any], complaint: str) -> None:
    """Compare names, shapes and kinds of arrays; only ``shape`` and ``dtype`` are read.

    Parameters
    ----------
    own : mapping from str to array
        The present state.
    state : mapping from str to array
        The one to take its place.
    complaint : str
        How the sentence begins if they differ.

    Raises
    ------
    ValueError
        If a name is missing or unknown, a shape differs, or an array does not hold real numbers;
        the message lists which.

    Examples
    --------
    >>> check_fit({"a": np.zeros(2), "b": np.zeros(1)}, {"a": np.array(["x", "y"])}, "no fit")
    Traceback (most recent call last):
    ValueError: no fit: missing b; a has dtype <U1, expected numbers
    """
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    both = [name for name in own if name in state]
    misshapen = [
        f"{name} has shape {state[name].shape}, expected {own[name].shape}"
        for name in both
        if own[name].shape != state[name].shape
    ]
    no_numbers = [
        f"{name} has dtype {state[name].dtype}, expected numbers"
        for name in both
        if not _are_numbers(state[name].dtype)
    ]
    parts = [f"missing {_some(missing)}"] if missing else []
    parts += [f"unknown {_some(unknown)}"] if unknown else []
    parts += [_some(misshapen)] if misshapen else []
    parts += [_some(no_numbers)] if no_numbers else []
    if parts:
        raise ValueError(f"{complaint}: {'; '.join(parts)}")


def fitted(
    own: Mapping[str, Array], state: Mapping[str, Any], complaint: str, *, finite: bool = False
) -> list[tuple[Array, Array]]:
    """Return each array of a state with what `put` will copy into it; nothing is changed yet.

    Parameters
    ----------
    own, state, complaint
        As for `check_fit`.
    finite : bool
        Whether to refuse NaN and infinity as well.

    Raises
    ------
    ValueError
        If the two do not fit.

    Examples
    --------
    >>> own = {"a": np.zeros(2, np.float32)}
    >>> put(fitted(own, {"a": np.array([1, 2])}, "no fit"))
    >>> own["a"]
    array([1., 2.], dtype=float32)
    >>> fitted(own, {"a": np.array([1, np.nan])}, "no fit", finite=True)
    Traceback (most recent call last):
    ValueError: no fit: a holds NaN or infinity, as training that has diverged leaves them
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"{complaint}: expected arrays by name, found {type(state).__name__}")
    given = {name: array_module(value).asarray(value) for name, value in state.items()}
    check_fit(own, given, complaint)
    with np.errstate(over="ignore", invalid="ignore"):
        pairs = [
            (target, array_module(target).asarray(given[name], dtype=target.dtype))
            for name, target in own.items()
        ]
    if finite:
        for name, (_, new) in zip(own, pairs, strict=True):
            # What a number was before it became an integer counts as well.
            if not all(array_module(x).isfinite(x).all() for x in (given[name], new)):
                raise ValueError(
                    f"{complaint}: {name} holds NaN or infinity, as training that has diverged "
                    "leaves them"
                )
    return pairs


def put(pairs: list[tuple[Array, Array]]) -> None:
    """Copy what `fitted` has found to fit."""
    for target, new in pairs:
        target[...] = new


def _are_numbers(dtype: np.dtype[Any]) -> bool:
    # The second holds for the short formats of ml_dtypes, which NumPy counts among the voids.
    return dtype.kind in "biuf" or np.can_cast(dtype, np.float64)


def _some(names: list[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + rest
