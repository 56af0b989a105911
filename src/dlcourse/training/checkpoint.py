"""Checkpoints: everything that training needs to go on as if it had never stopped.

One ``.npz`` file: the arrays of the model and of the optimizer, and a JSON text with the rest.
It is written under another name and then renamed, so a killed process leaves the previous one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.backend import Array
from dlcourse.files import FileError, Found, reading
from dlcourse.nn.state import fitted
from dlcourse.nn.weights import load_arrays, naming, part, save_arrays

_FORMAT = "dlcourse checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of training between two steps."""

    model: dict[str, Array]
    optimizer: dict[str, Array]
    schedule: dict[str, Any] | None
    history: dict[str, Any]
    settings: dict[str, Any]  #: what must not change when training goes on
    stop: bool  #: whether a callback has ended the training
    scaler: dict[str, Any] | None = None
    within_epoch: dict[str, Any] | None = None  #: `Progress` in an epoch that is not over
    ranks: int = 1  #: how many took part

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the checkpoint, whole or not at all."""
        text = {
            "format": _FORMAT,
            "schedule": self.schedule,
            "history": self.history,
            "settings": self.settings,
            "stop": self.stop,
            "scaler": self.scaler,
            "within_epoch": self.within_epoch,
            "ranks": self.ranks,
        }
        arrays = {f"model/{name}": array for name, array in self.model.items()}
        arrays |= {f"optimizer/{name}": array for name, array in self.optimizer.items()}
        arrays["json"] = np.frombuffer(json.dumps(text).encode(), np.uint8)
        save_arrays(path, arrays)

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
            saved = cls(
                part(arrays, "model/"),
                part(arrays, "optimizer/"),
                text["schedule"],
                text["history"],
                text["settings"],
                text["stop"],
                # Older files have none of these.
                text.get("scaler"),
                text.get("within_epoch"),
                text.get("ranks", 1),
            )
            for name in ("schedule", "history", "settings", "scaler", "within_epoch"):
                part_of_it = getattr(saved, name)
                if not isinstance(part_of_it, dict) and (
                    part_of_it is not None or name in ("history", "settings")
                ):
                    raise Found(f"one whose {name} is a {type(part_of_it).__name__}")
            if type(saved.stop) is not bool or type(saved.ranks) is not int:
                raise Found(f"one with stop {saved.stop!r} and ranks {saved.ranks!r}")
            return saved

    def expect(self, settings: Mapping[str, Any], path: str | os.PathLike[str] | None) -> None:
        """Check that the checkpoint, which came from `path`, fits training with these settings.

        Raises
        ------
        FileError
            If it belongs to a training run with other settings.
        """
        for name, value in settings.items():
            if self.settings.get(name) != value:
                raise FileError(
                    f"{path}: belongs to a training run with {name} "
                    f"{self.settings.get(name)!r}, expected {value!r}; "
                    "use the same settings to go on, or another checkpoint file to start afresh"
                )

    def fitted(
        self,
        model: Mapping[str, Array],
        optimizer: Mapping[str, Array],
        path: str | os.PathLike[str] | None,
    ) -> list[tuple[Array, Array]]:
        """Return what `dlcourse.nn.state.put` will copy into two states; nothing is changed yet.

        Raises
        ------
        FileError
            If the arrays do not fit, or those of the model are not finite numbers.
        """
        with naming(path):
            return [
                *fitted(model, self.model, "its weights do not fit this network", finite=True),
                *fitted(optimizer, self.optimizer, "its state does not fit this optimizer"),
            ]


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
        "resume from the file that the trainer wrote, or remove it to start afresh",
    )
