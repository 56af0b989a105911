"""Weights on disk: a plain ``.npz`` of named arrays, never pickle."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping

import numpy as np

from dlcourse.backend import Array, to_numpy
from dlcourse.files import atomic_write
from dlcourse.nn.module import Module


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write named arrays to an ``.npz`` file, whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.npz"
    >>> save_arrays(path, {"layer.weight": np.ones(2)})
    >>> load_arrays(path)
    {'layer.weight': array([1., 1.])}
    """
    with atomic_write(path) as file:
        np.savez(file, **{name: to_numpy(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def load_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read all arrays of an ``.npz`` file by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or is not an ``.npz`` of plain arrays.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no weights file {path}; check the name")
    if not zipfile.is_zipfile(path):
        raise ValueError(_damaged(path, "another kind of file"))
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        found = "pickled objects" if "pickle" in str(error) else str(error)
        raise ValueError(_damaged(path, found)) from error


def part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """Return the arrays whose names begin with a prefix, under the rest of their names.

    Examples
    --------
    >>> part({"model/bias": np.ones(1), "optimizer/step": np.zeros(1)}, "model/")
    {'bias': array([1.])}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def save_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Write the state of a module to an ``.npz`` file, whole or not at all."""
    save_arrays(path, module.state_dict())


def load_weights(module: Module, path: str | os.PathLike[str]) -> None:
    """Read the state of a module from an ``.npz`` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds other names or shapes than the module; the module is
        then unchanged.
    """
    state = load_arrays(path)
    try:
        module.load_state_dict(state)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _damaged(path: str, found: str) -> str:
    return (
        f"{path}: expected an .npz file of plain arrays, found {found}; "
        "the file is damaged or of another kind: save or download it again"
    )
