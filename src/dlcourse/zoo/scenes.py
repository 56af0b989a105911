"""Entries of networks that look at scenes: detectors, segmenters, captioners.

They are in ``entries/scenes``: ``NAME.npz`` with the weights in 16 bits, and ``NAME.json`` with the
record of the run. What trains them stands in the applications, one floor up; this file keeps what
they have in common.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.backend import Array, to_numpy
from dlcourse.nn import Module
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.optim import Adam, CosineAnnealingLR
from dlcourse.training import Loop
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.recipe import write_json

SCENES = Path(__file__).parent / "entries" / "scenes"


def train_on_scenes(
    model: Module,
    step: Callable[[int], float],
    steps: int,
    output: Path,
    *,
    lr: float,
    settings: Mapping[str, Any],
    progress: bool,
) -> dict[str, Any]:
    """Train with Adam and a cosine schedule, and return what the record says of the training.

    Parameters
    ----------
    model : Module
        What is trained.
    step : callable
        As for `Loop`.
    steps : int
        How many.
    output : pathlib.Path
        Folder of the checkpoint; an interrupted run goes on from it.
    lr : float
        The highest learning rate.
    settings : mapping
        What must be the same for a checkpoint to fit.
    progress : bool
        Whether to show a progress bar.
    """
    optimizer = Adam(model.parameters(), lr=lr)
    start = time.perf_counter()
    losses = Loop(
        model,
        optimizer,
        step,
        schedule=CosineAnnealingLR(optimizer, T_max=steps),
        max_norm=10.0,
        checkpoint=output / f"{type(model).__name__.lower()}.npz",
        settings={**settings, "steps": steps, "lr": lr},
        progress=progress,
    ).run(steps)
    return {
        "steps": steps,
        "lr": lr,
        "seconds": round(time.perf_counter() - start, 1),  # of this run, from where it went on
        "parameters": sum(p.data.size for p in model.parameters()),
        "losses": [round(float(np.mean(part)), 4) for part in _parts(losses, 20)],
    }


def write_entry(
    output: Path, arrays: Mapping[str, Array], command: str, record: dict[str, Any]
) -> dict[str, Any]:
    """Write ``weights.npz`` and ``record.json`` into a folder, and return the record.

    Parameters
    ----------
    output : pathlib.Path
        The folder of the run.
    arrays : mapping from str to array
        What the weights file holds, each in 16 bits: half the bytes, and the tests measure the
        entry from them.
    command : str
        The command that asks for this run.
    record : dict
        What is particular to the run.
    """
    path = output / "weights.npz"
    save_arrays(path, {name: to_numpy(a).astype(np.float16) for name, a in arrays.items()})
    whole = {
        "command": command,
        **record,
        "versions": versions(),
        "hardware": hardware(),
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    write_json(output / "record.json", whole)
    return whole


def scene_record(name: str) -> dict[str, Any]:
    """Return the record of the run that made an entry.

    Raises
    ------
    ValueError
        If there is no such entry.
    """
    path = SCENES / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in SCENES.glob("*.json")))
        raise ValueError(f"the zoo has no entry {name!r} for scenes; it has {known or 'none'}")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def scene_arrays(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of an entry by name, in float32.

    Raises
    ------
    ValueError
        If there is no such entry, or its file is damaged.
    """
    scene_record(name)
    arrays = load_arrays(SCENES / f"{name}.npz")
    return {key: array.astype(np.float32) for key, array in arrays.items()}


def take_over(model: Module, arrays: Mapping[str, Array]) -> list[str]:
    """Copy those arrays into a network that it has under the same name and shape; return which.

    Examples
    --------
    >>> from dlcourse.nn import Linear
    >>> line = Linear(2, 1, rng=np.random.default_rng(0))
    >>> take_over(line, {"bias": np.ones(1), "weight": np.ones((5, 5))})
    ['bias']
    """
    own = model.state_dict()
    taken = [name for name in arrays if name in own and own[name].shape == arrays[name].shape]
    for name in taken:
        own[name][...] = arrays[name]
    return taken


def _parts(losses: Sequence[float], count: int) -> list[np.ndarray]:
    return np.array_split(np.asarray(losses), min(count, len(losses)))
