"""All entries of the zoo: what loads, what the records have, and how one is made."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from dlcourse import zoo
from dlcourse.entries import ENTRIES
from dlcourse.nn.weights import load_arrays
from dlcourse.zoo.training import Entry, Trained, make

NAMES = zoo.names()
KEYS = {
    *("entry", "command", "seed", "recipe", "network", "input", "parameters", "multiply_adds"),
    *("versions", "hardware", "seconds", "training", "test", "weights_sha256"),
}
#: Loads all entries in a process of its own.
LOADING = """
import json, sys
from dlcourse import zoo
held = {}
for name in zoo.names():
    try:
        held[name] = type(zoo.load(name)).__name__
    except FileNotFoundError as error:
        held[name] = str(error)
print(json.dumps([held, [name for name in sys.modules if "dlcourse.applications" in name]]))
"""


def test_every_entry_loads_without_the_code_that_trained_it():
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, check=True)
    held, imported = json.loads(done.stdout)
    assert not imported
    for name in NAMES:
        network = zoo.record(name)["network"]
        if ENTRIES[name].ships:
            assert held[name] == (network["kind"] if network else "dict")
        else:
            assert held[name].startswith(f"{name} is a record alone, ")


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_what_made_the_arrays_beside_it(name):
    record, entry, path = zoo.record(name), ENTRIES[name], zoo.FOLDER / f"{name}.npz"
    assert record.keys() - {"processor_seconds"} == KEYS
    assert (record["entry"], record["seed"]) == (name, entry.seed)
    assert record["command"].startswith("dlcourse ") and "/work" not in record["command"]
    assert not any(part.startswith("/") for part in record["command"].split())
    assert {"dlcourse", "python", "numpy", "blas"} <= record["versions"].keys()
    assert record["hardware"]["cores"] >= 1 and record["test"]
    assert record["seconds"] is None or record["seconds"] > 0
    assert path.exists() == (entry.ships and record["weights_sha256"] is not None)
    if path.exists():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record["weights_sha256"]
        assert all(np.isfinite(array).all() for array in zoo.arrays(name).values())
    if "/" not in name:
        recipe, epochs = zoo.Recipe(**record["recipe"]), record["training"]["epochs"]
        assert record["network"] == recipe.network and len(epochs) == recipe.epochs
        took = sum(epoch["seconds"] for epoch in epochs)
        assert record["seconds"] == pytest.approx(took, abs=0.1)


def test_the_list_has_all_entries_and_no_others():
    assert sorted(ENTRIES) == sorted(NAMES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x", r"no entry 'x'; it has deep-convnet-.* others"),
        ("scenes/yolo", "has scenes/fast-rcnn"),
    ],
)
def test_unknown_entries_name_the_known_ones(name, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(name)


def test_damaged_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dlcourse.zoo.entry.FOLDER", tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"network": {"kind": "DeepConvNet"}}))
    with pytest.raises(FileNotFoundError, match=r"no weights file a\.npz"):
        zoo.load("a")
    (tmp_path / "a.npz").write_bytes(b"PK half of a file")
    with pytest.raises(ValueError, match=r"a\.npz: expected an \.npz file"):
        zoo.load("a")
    np.savez(tmp_path / "a.npz", **{"features.0.bias": np.zeros(16)})
    with pytest.raises(ValueError, match=r"a\.npz: these weights do not fit DeepConvNet: missing"):
        zoo.load("a")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json: expected the record of a run, found .*; rei"):
        zoo.load("a")


@pytest.mark.parametrize("kind", ["Sequence", "Ensemble", "summary", None, 3])
def test_a_kind_that_is_no_network_is_named(kind):
    with pytest.raises(ValueError, match=f"a network of dlcourse.models by name, found {kind!r}"):
        zoo.build({"kind": kind})


def a_third(folder, *, progress):
    return Trained({"x": np.array([1 / 3])}, recipe={}, seconds=0.5)


def test_what_is_measured_is_what_ships(tmp_path):
    seen = []
    entry = Entry("a/third", a_third, lambda held, whole: {"x": seen.append(held["x"])}, seed=None)
    record = make(entry, tmp_path, command="it")
    shipped = load_arrays(tmp_path / "weights.npz")["x"]
    assert shipped.dtype == np.float16 and 1 / 3 != float(shipped[0]) == float(seen[0][0])
    assert record == json.loads((tmp_path / "record.json").read_text())
    assert record.keys() == KEYS and record["seed"] is None


def test_what_draws_nothing_takes_no_seed(tmp_path):
    with pytest.raises(ValueError, match="a/third takes no --seed, since nothing is drawn"):
        make(Entry("a/third", a_third, None, seed=None), tmp_path, command="it", seed=1)
