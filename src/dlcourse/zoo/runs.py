"""What a training left in its folder, read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlcourse.files import FileError, read_json
from dlcourse.nn.weights import load_arrays
from dlcourse.zoo.claim import noted_recipe
from dlcourse.zoo.entry import assembled, in_float32, names, record
from dlcourse.zoo.recipe import Recipe


def read_run(path: Path) -> tuple[str | Recipe, Any]:
    """Return what was trained, and what `zoo.load` would give if the run were an entry.

    What was trained is the name of an entry or the recipe of a classifier. The network is built by
    that alone: files are not trusted with its size.

    Parameters
    ----------
    path : pathlib.Path
        The folder of a run, or a file of weights. Weights whose folder does not say what they are
        are taken for a deep-convnet's, trained on MNIST.

    Raises
    ------
    ValueError
        If the folder does not say what was trained, or the weights do not fit it.
    FileNotFoundError
        If there are no weights.

    Examples
    --------
    >>> from dlcourse.zoo.entry import FOLDER
    >>> name, fcn = read_run(FOLDER / "scenes" / "fcn-8s.npz")
    >>> name, fcn.stride
    ('scenes/fcn-8s', 8)
    """
    weights = path / "weights.npz" if path.is_dir() else path
    beside, note = weights.with_suffix(".json"), weights.parent / "recipe.json"
    if beside.exists():  # a copy of an entry
        source, trained = beside, read_json(beside, "the record of a run")
        recipe = trained.get("recipe", {})
    elif path.is_dir() or note.exists():
        source, trained = note, noted_recipe(note.parent)
        recipe = trained
    else:
        source, trained, recipe = weights, {}, {}
    name = trained.get("entry")
    if name is not None and name not in names():
        raise FileError(f"{source}: expected an entry of the zoo, found {name!r}")
    what = Recipe.read(recipe, source) if name is None else str(name)
    network = what.network if isinstance(what, Recipe) else record(what)["network"]
    return what, assembled(network, in_float32(load_arrays(weights)), weights)
