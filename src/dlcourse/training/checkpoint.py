"""Checkpoints: everything that training needs to go on as if it had never stopped.

One ``.npz`` file: the arrays of all parts of the state, and a JSON text with the rest.
It is written under another name and then renamed, so a killed process leaves the previous one.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dlcourse.backend import Array
from dlcourse.files import FileError, Found, reading
from dlcourse.nn import Module
from dlcourse.nn.state import fitted, put
from dlcourse.nn.weights import load_arrays, naming, part, save_arrays
from dlcourse.training.history import History

_FORMAT = "dlcourse checkpoint 2"


@runtime_checkable
class Stateful(Protocol):
    """A part of a training's state: a network, an optimizer, a schedule, a replay memory."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return what changes, by name: arrays, and numbers that JSON can hold."""
        ...

    def load_state_dict(self, state: Any, /) -> None:
        """Go on from a `state_dict`; change nothing if it does not fit."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes
    ----------
    state : dict from str to dict
        What each part's ``state_dict()`` returned, by the name of the part.
    history : History
        Of the steps so far.
    settings : dict
        What must not change when training goes on.
    stop : bool
        Whether training has ended by itself.
    ranks : int
        How many took part.
    """

    state: dict[str, dict[str, Any]]
    history: History
    settings: dict[str, Any]
    stop: bool = False
    ranks: int = 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the checkpoint, whole or not at all."""
        text = {
            "format": _FORMAT,
            "state": {name: numbers_of(state) for name, state in self.state.items()},
            "history": vars(self.history),
            "settings": self.settings,
            "stop": self.stop,
            "ranks": self.ranks,
        }
        arrays = {
            f"{name}/{key}": array
            for name, state in self.state.items()
            for key, array in arrays_of(state).items()
        }
        save_arrays(path, {**arrays, "json": np.frombuffer(json.dumps(text).encode(), np.uint8)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """Read a checkpoint.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileError
            If the file is damaged or is not a checkpoint.
        """
        arrays = load_arrays(path)
        with reading_checkpoint(path):
            if "json" not in arrays:
                raise Found("an .npz file of another kind")
            text = json.loads(bytes(arrays.pop("json")))
            if text["format"] != _FORMAT:
                raise Found(f"the format {text['format']!r}")
            for name in ("state", "history", "settings"):
                if not isinstance(text[name], dict):
                    raise Found(f"one whose {name} is a {type(text[name]).__name__}")
            if type(text["stop"]) is not bool or type(text["ranks"]) is not int:
                raise Found(f"one with stop {text['stop']!r} and ranks {text['ranks']!r}")
            for name, numbers in text["state"].items():
                if not all(value is None or is_finite(value) for value in numbers.values()):
                    raise Found(f"one whose {name} has things other than finite numbers")
            return cls(
                {name: part(arrays, f"{name}/") | more for name, more in text["state"].items()},
                _checked(History(**text["history"])),
                text["settings"],
                text["stop"],
                text["ranks"],
            )

    def expect(self, settings: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
        """Check that the checkpoint, which came from `path`, fits training with these settings.

        Raises
        ------
        FileError
            If it belongs to a training run with other settings.
        """
        for name in {**settings, **self.settings}:
            found, expected = self.settings.get(name), settings.get(name)
            if found != expected:
                raise FileError(
                    f"{path}: belongs to a training run with {name} {found!r}, expected "
                    f"{expected!r}; use the same settings to go on, or another checkpoint file to "
                    "start afresh"
                )

    def restore(self, owners: Mapping[str, Stateful], path: str | os.PathLike[str]) -> None:
        """Put the state, which came from `path`, back into its parts: all of it, or nothing.

        Raises
        ------
        FileError
            If something does not fit, or a weight is not a finite number; all is then as it was.
        """
        before = {name: owner.state_dict() for name, owner in owners.items()}
        with naming(path):
            # Arrays alone are checked first and copied last.
            pairs = [
                pair
                for name, own in before.items()
                if not numbers_of(own)
                for pair in fitted(
                    own,
                    self.state.get(name, {}),
                    f"its {name} does not fit",
                    finite=isinstance(owners[name], Module),
                )
            ]
        others = {name: copied(own) for name, own in before.items() if numbers_of(own)}
        with reading_checkpoint(path):
            try:
                for name in others:
                    owners[name].load_state_dict(self.state[name])
            except BaseException:
                for name, own in others.items():
                    owners[name].load_state_dict(own)
                raise
        put(pairs)


def arrays_of(state: Mapping[str, Any]) -> dict[str, Array]:
    """Return the arrays of a ``state_dict()``."""
    return {name: value for name, value in state.items() if hasattr(value, "dtype")}


def numbers_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is not an array in a ``state_dict()``."""
    return {name: value for name, value in state.items() if not hasattr(value, "dtype")}


def copied(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``state_dict()`` with copies of its arrays."""
    return {**state, **{name: array.copy() for name, array in arrays_of(state).items()}}


def reading_checkpoint(path: str | os.PathLike[str]) -> AbstractContextManager[None]:
    """Return `dlcourse.files.reading` with what there is to say about a checkpoint.

    Examples
    --------
    >>> with reading_checkpoint("checkpoint.npz"):
    ...     pass
    Traceback (most recent call last):
    FileNotFoundError: checkpoint.npz: there is no such file; check the name
    """
    return reading(
        path,
        f"a {_FORMAT}",
        "resume from the file that the training wrote, or remove it to start afresh",
    )


def _checked(history: History) -> History:
    """Return a history if it can be one, and raise `Found` if not."""
    columns = list(history.numbers.values())
    if not all(map(is_finite, [history.seconds, *(x for column in columns for x in column)])):
        raise Found("one whose losses and other numbers of steps are not finite")
    if len(set(map(len, columns))) > 1:
        raise Found("one with more steps of one number than of another")
    steps = [look["step"] for look in history.watched]
    if not all(type(step) is int and 0 <= step <= history.done for step in steps):
        raise Found(f"one of {history.done} steps that was watched after {steps}")
    return history


def is_finite(value: object) -> bool:
    """Return whether something from a file is a number as training makes them.

    Examples
    --------
    >>> is_finite(1), is_finite(float("nan")), is_finite("1")
    (True, False, False)
    """
    return isinstance(value, int | float) and math.isfinite(value)
