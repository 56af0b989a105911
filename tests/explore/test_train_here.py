"""The explorer that trains in the page: its digits, its networks, and what it refuses."""

import base64
import json
import zlib

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.data import Dataset, load_mnist
from dlcourse.explore.lib.network_data import describe
from dlcourse.explore.train_here import _NETWORKS, DEPTHS, train_here
from dlcourse.models import ResNetCifar, StackedConvNet


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()[0]


@pytest.fixture(scope="module")
def data(mnist):
    return train_here(mnist).data


def description(data, key, depth=None):
    versions = next(n["versions"] for n in data["networks"] if n["key"] == key)
    return read(next(version for version in versions if depth in (None, version["depth"])))


def read(version):
    return json.loads(zlib.decompress(base64.b64decode(version["description"])))


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


COUNTED = """(nn, { descriptions }) => descriptions.map((description) =>
  new nn.Session().build({ description }).parameters)"""


def test_the_engine_builds_every_network_that_can_be_chosen(node, data):
    """Descriptions travel as text, which test_keys does not look into."""
    versions = [v for network in data["networks"] for v in network["versions"]]
    found = node(COUNTED, descriptions=[read(version) for version in versions])
    rng = np.random.default_rng(0)
    built = [build(depth, rng) for _, depths, build in _NETWORKS.values() for depth in depths]
    assert found == [sum(p.data.size for p in network.parameters()) for network in built]


TRAINED = """(nn, { description, data, heldOut, settings, parts }) => {
  const set = ({ images, labels }) => ({ images: Uint8Array.from(images), shape: [1, 28, 28],
                                         labels: Uint8Array.from(labels) });
  const session = new nn.Session();
  session.build({ description, seed: 3 });
  const others = { optimizer: "SGD", lr: 0.1, batchSize: 8, seed: 3, ...settings };
  session.prepare({ data: set(data), heldOut: set(heldOut), ...others });
  const losses = [];
  const copies = () => Object.fromEntries(Object.entries(session.weights()).map(
    ([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
  const weights = [copies()];
  for (const { measured, ...part } of parts) {
    losses.push(...session.train(part).history.map(({ loss }) => loss));
    weights.push(copies());
    if (measured) session.measure();
  }
  return { losses, weights, measured: session.measure() };
}"""


@pytest.fixture(scope="module")
def train(node, data, mnist):
    """Return a function that trains a network on the first 100 digits."""

    def digits(numbers):
        some = mnist.subset(numbers)
        images = np.rint(255 * some.images).astype(int).ravel().tolist()
        return {"images": images, "labels": some.labels.tolist()}

    def train(key, parts, **settings):
        given = {"data": digits(slice(100)), "heldOut": digits(slice(100, 200))}
        network = description(data, key, None if key != "residual" else 8)
        return node(TRAINED, description=network, settings=settings, parts=parts, **given)

    return train


@pytest.mark.parametrize("key", ["linear", "small", "residual"])
def test_a_seed_gives_the_same_run_however_it_is_paused_and_looked_at(train, key):
    whole = train(key, [{"steps": 20}])
    parts = [
        {"steps": 3},
        {"steps": 1, "spreads": True},
        {"steps": 9, "measured": True},
        {"steps": 7},
    ]
    cut = train(key, parts)
    assert cut["losses"] == whole["losses"] and len(cut["losses"]) == 20
    assert cut["measured"] == whole["measured"]
    for name, values in whole["weights"][-1].items():
        assert np.array_equal(cut["weights"][-1][name], values), name


def test_without_zero_grad_a_step_follows_all_gradients_so_far(train):
    steps = [{"steps": 1}, {"steps": 1}]
    right, wrong = train("linear", steps), train("linear", steps, zeroGrad=False)
    for name in ("1.weight", "1.bias"):
        start, first, second = (w[name] for w in right["weights"])
        assert np.array_equal(wrong["weights"][1][name], first)
        expected = second + (first - start)
        assert np.allclose(wrong["weights"][2][name], expected, rtol=0, atol=1e-6)


def test_without_eval_single_images_are_normalized_by_themselves(train):
    steps = [{"steps": 150}]
    right = train("small", steps)["measured"]
    wrong = train("small", steps, evaluates=False)["measured"]
    assert right["accuracy"] > 0.4
    assert wrong["accuracy"] < 0.2, "the mean over all places is the same for every image"


def test_mistakes_in_the_digits(node):
    given = """(nn, chosen) => {
      const all = { images: Uint8Array.from({ length: 80 }, (_, i) => 3 * i), shape: [1, 1, 2],
                    labels: Uint8Array.from({ length: 40 }, (_, i) => i % 10) };
      const { images, labels } = nn.chosenDigits(all, { images: 30, ...chosen });
      return { kind: images.constructor.name, images: Array.from(images),
               labels: Array.from(labels) };
    }"""
    pixels, labels = list(range(0, 180, 3)), [i % 10 for i in range(30)]
    right = node(given, mistake="none", seed=0)
    assert right == {"kind": "Uint8Array", "images": pixels, "labels": labels}
    # What is no bytes is taken as it is.
    assert node(given, mistake="pixels 0 to 255", seed=0) == {**right, "kind": "Float32Array"}
    shuffled = [node(given, mistake="shuffled labels", seed=s)["labels"] for s in (0, 0, 1)]
    assert shuffled[0] == shuffled[1] != shuffled[2]
    assert sorted(shuffled[0]) == sorted(labels) and shuffled[0] != labels


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
        (
            {"mistake": "no backward()"},
            "mistake among 'none', .*'no eval\\(\\)', found 'no backward",
        ),
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
