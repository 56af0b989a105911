"""The explorer that trains in the page: its digits, its networks, and what it refuses."""

import base64
import json
import zlib

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.data import Dataset, load_mnist
from dlcourse.explore.lib.network_data import describe
from dlcourse.explore.train_here import DEPTHS, train_here
from dlcourse.models import ResNetCifar, StackedConvNet


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()[0]


@pytest.fixture(scope="module")
def data(mnist):
    return train_here(mnist).data


def description(data, key, depth=None):
    versions = next(n["versions"] for n in data["networks"] if n["key"] == key)
    return json.loads(next(v["description"] for v in versions if depth in (None, v["depth"])))


def kinds(layer):
    """Return the kinds of all layers without others inside, in order."""
    if "children" not in layer:
        return [layer["kind"]]
    return [kind for child in layer["children"] for kind in kinds(child)]


@pytest.mark.parametrize(("part", "count"), [("train", 2000), ("held_out", 500)])
def test_digits_are_those_of_the_data_set_as_they_are(data, mnist, part, count):
    packed = data[part]
    pixels = zlib.decompress(base64.b64decode(packed["pixels"]))
    labels = np.frombuffer(base64.b64decode(packed["labels"]), np.uint8)
    assert len(labels) == count
    of_label = {
        image.tobytes(): label
        for image, label in zip(
            np.rint(255 * mnist.images).astype(np.uint8), mnist.labels, strict=True
        )
    }
    images = np.frombuffer(pixels, np.uint8).reshape(count, 784)
    assert [of_label[image.tobytes()] for image in images] == labels.tolist()
    assert np.bincount(labels).min() > 0.07 * count, "every digit is there often enough"


def test_a_page_grows_by_less_than_a_megabyte(mnist):
    explorer = train_here(mnist)
    assert len(json.dumps(explorer.get_state(), default=str)) < 1e6
    assert explorer.data == train_here(mnist).data, "every build draws the same digits"


def test_networks_are_those_of_the_package(data):
    rng = np.random.default_rng(1)
    small = StackedConvNet([[8, 8], [16, 16], [16, 16]], batch_norm=True, rng=rng)
    assert description(data, "small") == json.loads(json.dumps(describe(small)))
    for depth in DEPTHS:
        for key in ("plain", "residual"):
            network = ResNetCifar(depth, key == "residual", 1, width=4, rng=rng)
            assert description(data, key, depth) == json.loads(json.dumps(describe(network)))


BUILT = """(nn, { description, settings }) => {
  const varied = nn.varied(description, settings);
  const session = new nn.Session();
  const { layers, parameters } = session.build({ description: varied });
  const images = nn.tensor([2, 1, 28, 28]);
  const { outputs } = session.gradients({ images, labels: [0, 1] });
  return { varied, layers, parameters, outputs: Object.keys(outputs) };
}"""


@pytest.mark.parametrize("dropout", [0, 0.2])
@pytest.mark.parametrize("key", ["linear", "convolution", "small", "plain", "residual"])
def test_normalization_goes_and_dropout_comes(node, data, key, dropout):
    given = description(data, key, None if key not in ("plain", "residual") else 8)
    settings = {"batch_norm": 0, "dropout": dropout}
    found = node(BUILT, description=given, settings=settings)
    expected = [kind for kind in kinds(given) if kind != "BatchNorm2d"]
    if dropout:
        expected.insert(-1, "Dropout")
    assert kinds(found["varied"]) == expected
    assert "'bias': False" not in str(found["varied"])
    # Layers have in the list the names under which their outputs come.
    assert {layer["name"] for layer in found["layers"]} == set(found["outputs"])

    same = node(BUILT, description=given, settings={"batch_norm": 1, "dropout": 0})
    assert same["varied"] == given


def test_without_normalization_it_is_the_network_built_without(node, data):
    found = node(
        BUILT,
        description=description(data, "small"),
        settings={"batch_norm": 0, "dropout": 0},
    )
    network = StackedConvNet([[8, 8], [16, 16], [16, 16]], rng=np.random.default_rng(0))
    assert found["varied"] == json.loads(json.dumps(describe(network)))
    assert found["parameters"] == sum(p.data.size for p in network.parameters())


def test_means_of_stretches(node):
    found = node("""(nn) => ({ few: nn.means([1, 2], 1), many: nn.means([1, 3, 5, 7, 9], 2) })""")
    assert found == {"few": [[1, 1], [2, 2]], "many": [[2, 2], [4, 6], [5, 9]]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "big"}, "network among 'linear', .*'residual', found 'big'"),
        ({"depth": 18}, "depth among 8, 14, 20, 32, 56, found 18"),
        ({"optimizer": "LBFGS"}, "optimizer among 'SGD', 'Momentum', 'Adam', found 'LBFGS'"),
        ({"lr": 0.2}, "lr among 0.0001, .*, found 0.2"),
        ({"images": 3000}, "images among 50, .*2000, found 3000"),
    ],
)
def test_what_cannot_be_chosen(mnist, settings, message):
    with pytest.raises(ValueError, match=message):
        train_here(mnist, **settings)


def test_no_digit_is_in_both_parts(data):
    train, held_out = (
        np.frombuffer(zlib.decompress(base64.b64decode(data[part]["pixels"])), np.uint8).reshape(
            -1, 784
        )
        for part in ("train", "held_out")
    )
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in held_out}


def test_digits_that_do_not_suit(mnist):
    with pytest.raises(ValueError, match=r"at least 2500 images .*found 2499 of shape"):
        train_here(mnist.subset(slice(2499)))
    colour = Dataset(np.zeros((2500, 3, 8, 8), np.float32), np.zeros(2500, np.int64), ("a",))
    with pytest.raises(ValueError, match=r"found 2500 of shape \(3, 8, 8\)"):
        train_here(colour)
    one = Dataset(np.zeros((2500, 1, 28, 28), np.float32), np.zeros(2500, np.int64), ("a",))
    with pytest.raises(ValueError, match="expected 10 classes, found 1"):
        train_here(one)
