"""What an entry is: a record of a run, and what the run gave, under one name.

``FOLDER/NAME`` is ``entries/FOLDER/NAME.json`` and, where weights ship, ``NAME.npz`` beside it.
Classifiers have no folder; ensembles and the applications of chapters 5 and 6 have one each. Every
record has these keys:

- ``entry``, ``command``, ``seed``: what was trained, by which command, and what all that was drawn
  at random was drawn from; the seed is None where nothing is drawn
- ``recipe``: what else decides the result
- ``network``: what the weights belong to (see `dlcourse.zoo.networks`); None where the arrays are
  tables or pictures
- ``input``: the shape of what the network takes, without the batch; None where it takes more than
  one array
- ``parameters``, ``multiply_adds``: how many there are, for one input; None where there is no
  network, or no single input
- ``versions``, ``hardware``: what the run was made with
- ``seconds``: how long training took by the clock, without measuring what came of it; None where
  training went on from a checkpoint without a note of the time before. Version 0.1.0 took the time
  of the processor for DCGAN, which is kept as ``processor_seconds``.
- ``training``: how it went, as epochs or losses
- ``test``: what was measured, with the arrays as they ship. Weights of 0.1.0 were measured again by
  0.2.0 where it draws others to test on: scenes, roads, games, and the samples of DCGAN and the
  autoencoder; those of the diffusion model take half an hour.
- ``weights_sha256``: the checksum of the arrays' file, whether it ships or not; None where there is
  none
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlcourse.backend import Array
from dlcourse.expect import listed
from dlcourse.files import read_json
from dlcourse.models import Ensemble
from dlcourse.nn import Module
from dlcourse.nn.weights import load_arrays, put_weights
from dlcourse.zoo.networks import Network, build

FOLDER = Path(__file__).parent / "entries"


def names(prefix: str = "") -> list[str]:
    """Return the names of all entries that begin with a prefix, those in folders at the end.

    Examples
    --------
    >>> names("deep-convnet-seed")
    ['deep-convnet-seed0', 'deep-convnet-seed1', 'deep-convnet-seed2']
    >>> names("scenes/")[0]
    'scenes/fast-rcnn'
    """
    paths = (path.relative_to(FOLDER).with_suffix("") for path in FOLDER.rglob("*.json"))
    found = (path.as_posix() for path in paths)
    return sorted((n for n in found if n.startswith(prefix)), key=lambda name: ("/" in name, name))


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
    known = names()
    if name not in known:
        folder = name.rpartition("/")[0]
        beside = [other for other in known if other.rpartition("/")[0] == folder] or known
        raise ValueError(f"the zoo has no entry {name!r}; it has {listed(name, beside)}")
    remedy = "reinstall the package from its repository"
    data: dict[str, Any] = read_json(FOLDER / f"{name}.json", "the record of a run", remedy)
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
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        raise FileNotFoundError(
            f"{name} is a record alone, zoo.record({name!r}), and no weights file "
            f"{path.name} ships with it; dlcourse train-entry {name} makes one"
        )
    return in_float32(load_arrays(path))


def load(name: str = "deep-convnet-seed0") -> Any:
    """Return what an entry holds: nearly always a network with its weights, ready to use.

    Ensembles come as an `Ensemble` of their members. An entry that is no network, but tables or
    pictures, comes as its arrays by name.

    Raises
    ------
    ValueError
        If there is no such entry, or its weights are damaged.
    FileNotFoundError
        If the entry is only a record.

    Examples
    --------
    >>> load("deep-convnet-seed0").predict(np.zeros((1, 1, 28, 28), np.float32)).shape
    (1, 10)
    >>> load("scenes/fcn-8s").predict(np.zeros((1, 3, 96, 96), np.float32)).shape
    (1, 96, 96)
    >>> load("rl/frozen-lake-sarsa")["tables"].shape
    (5, 16, 4)
    """
    network = record(name)["network"]
    voting = network is not None and network["kind"] == "Ensemble"
    return assembled(network, {} if voting else arrays(name), FOLDER / f"{name}.npz")


def in_float32(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file with those that are kept in 16 bits in float32.

    Examples
    --------
    >>> in_float32({"a": np.ones(2, np.float16), "b": np.ones(2, np.uint8)})["a"].dtype.name
    'float32'
    """
    return {
        key: array.astype(np.float32) if array.dtype == np.float16 else array
        for key, array in arrays.items()
    }


def assembled(network: Network | None, arrays: Mapping[str, np.ndarray], path: Path) -> Any:
    """Return a network with its arrays, ready to use; where there is none, the arrays.

    The members of an ensemble are other entries.

    Parameters
    ----------
    network : mapping or None
        See `dlcourse.zoo.networks`.
    arrays : mapping from str to array
        The network's, and maybe more, which an entry has for pages to show.
    path : pathlib.Path
        Their file, to be named if they do not fit.
    """
    if network is None:
        return dict(arrays)
    if network["kind"] == "Ensemble":
        return Ensemble([load(member) for member in network["members"]])
    model = build(network)
    own = model.state_dict().keys()
    put_weights(model, {name: array for name, array in arrays.items() if name in own}, path)
    return model.eval()


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
