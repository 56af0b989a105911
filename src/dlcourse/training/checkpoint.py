"""Checkpoints: all that a training needs to go on as if it had never stopped.

One ``.npz`` file: the arrays of the model and of the optimizer, and a JSON text with the rest.
It is written under another name and then renamed, so a killed process leaves the one before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.backend import Array
from dlcourse.nn.weights import load_arrays, part, save_arrays

_FORMAT = "dlcourse checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps."""

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
        ValueError
            If the file is damaged or is not a checkpoint.
        """
        arrays = load_arrays(path)
        try:
            text = json.loads(bytes(arrays.pop("json")))
            if text["format"] != _FORMAT:
                raise ValueError(text["format"])
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"{os.fspath(path)}: expected a {_FORMAT}, found an .npz file of another kind; "
                "resume from the file that the trainer wrote"
            ) from error
        return cls(
            part(arrays, "model/"),
            part(arrays, "optimizer/"),
            text["schedule"],
            text["history"],
            text["settings"],
            text["stop"],
            # Files of before have none of these.
            text.get("scaler"),
            text.get("within_epoch"),
            text.get("ranks", 1),
        )

    def expect(self, settings: Mapping[str, Any], path: str | os.PathLike[str] | None) -> None:
        """Check that the checkpoint, which came from `path`, fits a training with these settings.

        Raises
        ------
        ValueError
            If it belongs to a training with other settings.
        """
        for name, value in settings.items():
            if self.settings.get(name) != value:
                raise ValueError(
                    f"{path}: belongs to a training with {name} "
                    f"{self.settings.get(name)!r}, expected {value!r}; "
                    "use the same settings to go on, or another checkpoint file to start anew"
                )
