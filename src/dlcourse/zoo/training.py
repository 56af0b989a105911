"""Making an entry: train, write what ships, measure that, write the record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dlcourse.backend import Array, to_numpy
from dlcourse.distributed import Communicator, SingleProcess, broadcast_json
from dlcourse.files import check_writable, write_json
from dlcourse.models import summary
from dlcourse.nn import Module
from dlcourse.nn.weights import save_arrays
from dlcourse.zoo.claim import claimed
from dlcourse.zoo.entry import assembled, in_float32
from dlcourse.zoo.environment import hardware, versions
from dlcourse.zoo.networks import Network


@dataclass(frozen=True)
class Trained:
    """What a training gives, before it is measured; see `dlcourse.zoo.entry` for its parts."""

    arrays: Mapping[str, Array]  #: what the file of weights holds
    recipe: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    network: Network | None = None
    input: Sequence[int] | None = None
    #: How floating-point arrays are kept. 16 bits take half the bytes.
    dtype: DTypeLike = np.float16
    #: The result where it cannot be measured on what ships.
    test: Mapping[str, Any] | None = None


#: From what `zoo.load` gives to the ``test`` of a record. With ``whole=False`` it may leave out
#: what takes longer than about a minute.
Evaluate = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """An entry of the zoo, and how it is made.

    Parameters
    ----------
    name : str or None
        Its name, as in `zoo.load`; None for a training that is no entry.
    train : callable
        Called with the folder of the run, ``seed`` and ``progress``; it may leave checkpoints in
        the folder, to go on from. Without ``seed`` where nothing is drawn at random.
    evaluate : callable, optional
        Measures what the entry holds; None where nothing can.
    seed : int or None
        What the entry that ships was drawn from; None where nothing is drawn.
    ships : bool
        Whether the arrays ship. For the others the record is enough.
    settings : mapping
        What else than the name decides the result: a run goes on only with the same.
    """

    name: str | None
    train: Callable[..., Trained]
    evaluate: Evaluate | None
    seed: int | None = 0
    ships: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)


def make(
    entry: Entry,
    folder: Path,
    *,
    command: str,
    seed: int | None = None,
    communicator: Communicator | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train an entry into a folder, and return its record; an interrupted run is resumed.

    The arrays are rounded to what ships, and that is measured. With several ranks all call it, and
    rank 0 alone reads and writes the folder.

    Parameters
    ----------
    entry : Entry
        What to train.
    folder : pathlib.Path
        Where to write ``weights.npz`` and ``record.json``.
    command : str
        The command that started this run, for the record.
    seed : int, optional
        Another seed than the entry's own.
    communicator : Communicator, optional
        The connection to other ranks.
    progress : bool
        Whether to show progress bars.

    Raises
    ------
    ValueError
        If the entry takes no seed, the folder holds another run, or another process trains in it.
    OSError
        If the folder cannot be written to.
    """
    if seed is not None and entry.seed is None:
        raise ValueError(f"{entry.name} takes no --seed, since nothing is drawn at random for it")
    drawn = {} if entry.seed is None else {"seed": entry.seed if seed is None else seed}
    communicator = communicator or SingleProcess()
    first, path = communicator.rank == 0, folder / "weights.npz"
    settings = {**(entry.settings or {"entry": entry.name}), **drawn}
    if first:
        check_writable(folder / "record.json")
    with claimed(folder, settings) if first else nullcontext():
        trained = entry.train(folder, **drawn, progress=progress)
        kept = {name: _kept_as(to_numpy(a), trained.dtype) for name, a in trained.arrays.items()}
        held = assembled(trained.network, in_float32(kept), path)
        test = entry.evaluate(held, whole=True) if entry.evaluate else trained.test
        record = record_of(trained, test, held, entry=entry.name, command=command, **drawn)
        if first:
            if kept:
                save_arrays(path, kept)
                record["weights_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            write_json(folder / "record.json", record)
        shared: dict[str, Any] = broadcast_json(record, communicator)
        return shared


def record_of(
    trained: Trained,
    test: Mapping[str, Any] | None,
    held: Any = None,
    *,
    command: str,
    entry: str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Return the record of a run, without a checksum of weights.

    Parameters
    ----------
    trained : Trained
        What training gave.
    test : mapping
        What was measured.
    held : Module, optional
        The network, to be counted.
    command : str
        The command that started the run.
    entry : str, optional
        The entry that was trained, if it was one.
    seed : int, optional
        What was drawn from, if anything was.
    """
    parameters, multiply_adds = None, None
    if isinstance(held, Module):
        parameters = sum(p.data.size for p in held.parameters())
        if trained.input is not None:
            multiply_adds = summary(held, trained.input).multiply_adds
    return {
        "entry": entry,
        "command": command,
        "seed": seed,
        "recipe": trained.recipe,
        "network": trained.network,
        "input": trained.input,
        "parameters": parameters,
        "multiply_adds": multiply_adds,
        "versions": versions(),
        "hardware": hardware(),
        "seconds": trained.seconds,
        "training": trained.training,
        "test": test,
        "weights_sha256": None,
    }


def _kept_as(array: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    return array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array
