"""Shipped weights, each beside the record of the run that made it.

An entry is two files in ``entries``: ``NAME.npz`` (weights; some entries are only a record) and
``NAME.json`` (command, seed, versions, hardware, time, history, test result). ``make zoo`` makes
them all again. Classifiers lie there directly. The networks of each application have a folder of
their own, as in ``scenes/nic``; the code that makes them is in the applications, one floor up. The
ensembles, networks that vote, have their records in ``ensembles``.
"""

from __future__ import annotations

from typing import Any

from dlcourse.models import Classifier, Ensemble
from dlcourse.zoo.entry import FOLDER, arrays, every_name, names, record
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.recipe import Recipe, run
from dlcourse.zoo.voting import ENSEMBLE, run_ensemble

__all__ = [
    "ENSEMBLE",
    "FOLDER",
    "Recipe",
    "arrays",
    "ensemble_record",
    "every_name",
    "hardware",
    "load",
    "load_ensemble",
    "names",
    "recipe_of",
    "record",
    "run",
    "run_ensemble",
    "versions",
]


def load(name: str = "deep-convnet-seed0") -> Classifier:
    """Return the network of an entry with its trained weights, ready to predict.

    Raises
    ------
    ValueError
        If there is no such entry, it is not a classifier, or its weights are damaged.
    FileNotFoundError
        If the entry is only a record.

    Examples
    --------
    >>> import numpy as np
    >>> load("deep-convnet-seed0").predict(np.zeros((1, 1, 28, 28), np.float32)).shape
    (1, 10)
    """
    model = recipe_of(name).build()
    model.load_state_dict(arrays(name))
    return model.eval()


def recipe_of(name: str) -> Recipe:
    """Return the recipe of an entry.

    Raises
    ------
    ValueError
        If there is no such entry, or it is not a classifier: other entries have other recipes.

    Examples
    --------
    >>> recipe_of("small-convnet-seed0").model
    'small-convnet'
    """
    recipe = record(name).get("recipe")
    if "/" in name or not isinstance(recipe, dict):
        raise ValueError(f"{name} is not a classifier")
    return Recipe.read(recipe, name)


def ensemble_record() -> dict[str, Any]:
    """Return the record of the ensemble that ships: its members, and what they reach together.

    Examples
    --------
    >>> len(ensemble_record()["members"])
    5
    """
    return record("ensembles/deep-convnet")


def load_ensemble() -> Ensemble:
    """Return the ensemble that ships, ready to predict.

    Examples
    --------
    >>> len(load_ensemble().members)
    5
    """
    return Ensemble([load(name) for name in ensemble_record()["members"]])
