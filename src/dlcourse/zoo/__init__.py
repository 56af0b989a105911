"""Shipped weights, each beside the record of the run that made it.

An entry is two files in ``entries``: ``NAME.npz`` (weights; some entries are only a record) and
``NAME.json`` (see `dlcourse.zoo.entry`). `load` builds the network of any of them from its record,
without the code that trained it. ``make zoo`` makes them all again.
"""

from dlcourse.zoo.entry import FOLDER, arrays, load, names, record
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.networks import MODELS, build
from dlcourse.zoo.recipe import Recipe

__all__ = [
    "FOLDER",
    "MODELS",
    "Recipe",
    "arrays",
    "build",
    "hardware",
    "load",
    "names",
    "record",
    "versions",
]
