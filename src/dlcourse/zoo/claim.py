"""The folder of a run: which run owns it, and that only one process at a time works in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlcourse.files import locked, read_json, write_json

_RECIPE, _LOCK = "recipe.json", ".lock"


@contextmanager
def claimed(folder: Path, recipe: Mapping[str, Any]) -> Iterator[None]:
    """Note in a folder what is trained in it, and keep other processes out meanwhile.

    An interrupted run goes on only with the same recipe. A folder that has nothing but a recipe in
    it, because training ended before it kept anything, is free.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the run; it is made.
    recipe : mapping
        What decides the result of the run, fit for JSON.

    Raises
    ------
    ValueError
        If the folder holds a run of another recipe, or another process is training in it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with claimed(folder, {"seed": 0}):
    ...     _ = (folder / "checkpoint.npz").write_bytes(b"")
    >>> with claimed(folder, {"seed": 1}):  # doctest: +ELLIPSIS
    ...     pass
    Traceback (most recent call last):
    ...
    ValueError: ... holds a run with seed 0, expected 1; ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = locked(folder / _LOCK)
    try:
        lock.__enter__()
    except BlockingIOError:
        raise ValueError(
            f"another run is at work in {folder}; wait for its end, or choose another folder"
        ) from None
    try:
        _note(folder, recipe)
        yield
    finally:
        lock.__exit__(None, None, None)


def noted_recipe(folder: Path) -> dict[str, Any]:
    """Return the recipe that a run noted in its folder.

    Raises
    ------
    ValueError
        If there is none, or it is damaged.
    """
    path = folder / _RECIPE
    if not path.exists():
        raise ValueError(f"{folder} is not the folder of a run: it has no {_RECIPE}")
    recipe: dict[str, Any] = read_json(path)
    return recipe


def _note(folder: Path, here: Mapping[str, Any]) -> None:
    path = folder / _RECIPE
    there = read_json(path) if path.exists() else here
    kept = any(file.name != _RECIPE for file in folder.iterdir() if file.name[0] != ".")
    if not path.exists() or (not kept and there.keys() == here.keys()):
        write_json(path, here)
        return
    for name in [*(there.keys() - here.keys()), *here]:
        if name not in here or there.get(name) != here[name]:
            wanted = f"expected {here[name]!r}" if name in here else "which is not expected"
            raise ValueError(
                f"{folder} holds a run with {name} {there.get(name)!r}, {wanted}; choose another "
                "output folder, or repeat the command with the same options to resume"
            )
