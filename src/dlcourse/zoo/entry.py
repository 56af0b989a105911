"""What an entry is: a record of a run, and the weights that it gave, under one name.

``FOLDER/NAME`` is ``entries/FOLDER/NAME.json`` and, where weights ship, ``NAME.npz`` beside it.
Classifiers have no folder; the applications of chapters 5 and 6 have one each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.backend import Array, to_numpy
from dlcourse.expect import listed
from dlcourse.files import read_json, write_json
from dlcourse.nn import Module
from dlcourse.nn.weights import load_arrays, save_arrays
from dlcourse.zoo.environment import hardware, versions

FOLDER = Path(__file__).parent / "entries"


def names(folder: str = "") -> list[str]:
    """Return the names of all classifiers, or of all entries in a folder.

    Examples
    --------
    >>> "deep-convnet-seed0" in names()
    True
    >>> names("scenes")[0]
    'scenes/fast-rcnn'
    """
    paths = (FOLDER / folder).glob("*.json")
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in paths)


def every_name() -> list[str]:
    """Return the names of all entries, those in folders after the classifiers.

    Examples
    --------
    >>> "scenes/nic" in every_name()
    True
    """
    folders = sorted(path.name for path in FOLDER.glob("*/"))
    return names() + [name for folder in folders for name in names(folder)]


def record(name: str) -> dict[str, Any]:
    """Return the record of the run that made an entry.

    Raises
    ------
    ValueError
        If there is no such entry.

    Examples
    --------
    >>> record("deep-convnet-seed0")["parameters"]
    123552
    """
    known = every_name()
    if name not in known:
        folder = name.rpartition("/")[0]
        beside = [other for other in known if other.rpartition("/")[0] == folder] or known
        raise ValueError(f"the zoo has no entry {name!r}; it has {listed(name, beside)}")
    return read_record(FOLDER / f"{name}.json")


def read_record(path: Path) -> dict[str, Any]:
    """Return a record that ships.

    Raises
    ------
    FileError
        If the file is damaged.

    Examples
    --------
    >>> read_record(FOLDER / "ensembles/deep-convnet.json")["test"]["images"]
    10000
    """
    remedy = "reinstall the package from its repository"
    data: dict[str, Any] = read_json(path, "the record of a run", remedy)
    return data


def arrays(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of an entry by name; those kept in 16 bits come in float32.

    Raises
    ------
    ValueError
        If there is no such entry, or its file is damaged.
    FileNotFoundError
        If the entry is only a record.

    Examples
    --------
    >>> arrays("deep-convnet-seed0")["features.0.weight"].shape
    (16, 1, 3, 3)
    """
    record(name)
    return {
        key: array.astype(np.float32) if array.dtype == np.float16 else array
        for key, array in load_arrays(FOLDER / f"{name}.npz").items()
    }


def write_entry(
    output: Path,
    arrays: Mapping[str, Array],
    command: str,
    record: dict[str, Any],
    *,
    dtype: DTypeLike = np.float16,
) -> dict[str, Any]:
    """Write ``weights.npz`` and ``record.json`` into a folder, and return the record.

    Parameters
    ----------
    output : pathlib.Path
        The folder of the run.
    arrays : mapping from str to array
        What the weights file holds.
    command : str
        The command that started this run.
    record : dict
        What is particular to the run.
    dtype : dtype
        How floating-point arrays are kept. 16 bits take half the bytes, and the tests measure the
        entry with them.
    """
    path = output / "weights.npz"
    save_arrays(path, {name: _kept_as(to_numpy(array), dtype) for name, array in arrays.items()})
    whole = {
        "command": command,
        **record,
        "versions": versions(),
        "hardware": hardware(),
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    write_json(output / "record.json", whole)
    return whole


def take_over(model: Module, arrays: Mapping[str, Array]) -> list[str]:
    """Copy the arrays that a network has under the same name and shape into it; return which.

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


def _kept_as(array: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    return array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array
