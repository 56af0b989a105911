import base64
import json

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.data import Dataset, load_mnist
from dlcourse.data.augment import Rotate
from dlcourse.explore.augmentation import augmentation
from dlcourse.explore.calculator import calculator
from dlcourse.explore.convolution import convolution
from dlcourse.explore.feature_maps import feature_maps
from dlcourse.explore.misclassified import misclassified
from dlcourse.explore.trainings import trainings
from dlcourse.models import DeepConvNet
from dlcourse.nn import Conv2d, Dropout, MaxPool2d, ReLU, Sequential, softmax
from dlcourse.streams import Stream, generator


@pytest.fixture(scope="module")
def test_set():
    return load_mnist()[1]


@pytest.fixture(scope="module")
def net():
    return DeepConvNet(rng=np.random.default_rng(0)).eval()


def unpack(packed):
    share = np.frombuffer(base64.b64decode(packed["bytes"]), np.uint8).reshape(packed["shape"])
    return packed["low"] + share / 255 * (packed["high"] - packed["low"])


def kilobytes(explorer):
    return len(json.dumps(explorer.get_state(), default=str)) / 1000


def test_convolution(test_set):
    explorer = convolution(test_set.images[:10], list("0123456789"))
    np.testing.assert_allclose(
        unpack(explorer.data["images"]), test_set.images[:10, 0], rtol=0, atol=1e-6
    )
    for kernel in explorer.data["kernels"]:
        assert len(kernel["weights"]) == kernel["size"] ** 2
    assert kilobytes(explorer) < 300


@pytest.mark.parametrize("kernel", [np.ones(3), np.ones((2, 3)), np.ones((11, 11))])
def test_convolution_refuses_a_kernel_that_does_not_fit(kernel):
    with pytest.raises(ValueError, match="'it' has shape"):
        convolution(np.zeros((1, 1, 28, 28), np.float32), ["a"], {"it": kernel})


def test_images_and_names_are_checked():
    with pytest.raises(ValueError, match=r"shape \(N, 1, S, S\), found \(1, 3, 8, 8\)"):
        convolution(np.zeros((1, 3, 8, 8), np.float32), ["a"])
    with pytest.raises(ValueError, match="one name per image, found 2 for 1"):
        augmentation(np.zeros((1, 1, 8, 8), np.float32), ["a", "b"])


def test_calculator_takes_a_network_over():
    rng = np.random.default_rng(0)
    network = Sequential(
        Conv2d(1, 8, 5, stride=2, padding=4, dilation=2, rng=rng), ReLU(), MaxPool2d(3, stride=2)
    )
    explorer = calculator(np.zeros((1, 28, 28), np.float32), {"it": network})
    assert explorer.data["networks"]["it"] == [
        {
            "kind": "convolution",
            "channels": 8,
            "kernel": 5,
            "stride": 2,
            "padding": 4,
            "dilation": 2,
        },
        {"kind": "pooling", "kernel": 3, "stride": 2},
    ]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Dropout(), "found Dropout"),
        (MaxPool2d(2, padding=1), "found MaxPool2d"),
        (Conv2d(1, 1, (3, 5), rng=np.random.default_rng(0)), r"found kernel \(3, 5\)"),
    ],
)
def test_calculator_refuses_what_it_cannot_count(layer, message):
    with pytest.raises(ValueError, match=message):
        calculator(np.zeros((1, 28, 28), np.float32), {"it": Sequential(layer)})


def test_augmentation_shows_what_the_augmentations_do(test_set):
    images = test_set.images[:3]
    kinds = {"rotation": {"little": Rotate(5), "much": Rotate(90)}}
    explorer = augmentation(images, list("abc"), kinds, seed=7)
    frames = unpack(explorer.data["kinds"][0]["frames"])
    assert frames.shape == (2, 3, 1, 28, 28)
    for shown, augment in zip(frames, kinds["rotation"].values(), strict=True):
        moved = augment(images, generator(7, Stream.AUGMENT))
        np.testing.assert_allclose(shown, moved, atol=1 / 255)


def test_augmentation_of_a_page_is_small_and_grows(test_set):
    images = test_set.images[:6]
    explorer = augmentation(images, list("abcdef"))
    assert kilobytes(explorer) < 300
    for kind in explorer.data["kinds"]:
        frames = unpack(kind["frames"])
        change = np.abs(frames - images).mean(axis=(1, 2, 3, 4))
        assert (np.diff(change) > 0).all(), f"{kind['name']} does not grow stronger: {change}"


def test_augmentation_needs_equal_numbers_of_strengths():
    kinds = {"a": {"little": Rotate(5)}, "b": {}}
    with pytest.raises(ValueError, match="the same number of strengths"):
        augmentation(np.zeros((1, 1, 8, 8), np.float32), ["a"], kinds)


def test_misclassified(test_set):
    rng = np.random.default_rng(0)
    data = test_set.subset(slice(500))
    scores = 5 * np.eye(10)[data.labels] + 2 * rng.standard_normal((500, 10))
    explorer = misclassified(data, scores, most=20)
    read = scores.argmax(axis=1)
    counts = np.array(explorer.data["counts"])
    assert counts.sum() == 500
    assert counts[3, 5] == ((data.labels == 3) & (read == 5)).sum()

    wrong = (read != data.labels).sum()
    mistakes = explorer.data["mistakes"]
    assert len(mistakes) == min(20, wrong)
    surest = softmax(scores).max(axis=1)[read != data.labels].max()
    assert mistakes[0]["p_read"] == pytest.approx(surest, abs=1e-4)
    images = unpack(explorer.data["images"])
    for image, mistake in zip(images, mistakes, strict=True):
        assert mistake["label"] != mistake["read"] == read[mistake["index"]]
        np.testing.assert_allclose(image, data.images[mistake["index"], 0], atol=1e-6)


def test_misclassified_without_mistakes(test_set):
    data = test_set.subset(slice(5))
    explorer = misclassified(data, np.eye(10)[data.labels])
    assert explorer.data["mistakes"] == []


def test_misclassified_checks_shapes(test_set):
    with pytest.raises(ValueError, match=r"scores of shape \(5, 10\), found"):
        misclassified(test_set.subset(slice(5)), np.zeros((4, 10)))
    colour = Dataset(np.zeros((1, 3, 8, 8), np.float32), np.array([0]), ("cat", "dog"))
    with pytest.raises(ValueError, match="expected grey images"):
        misclassified(colour, np.zeros((1, 2)))


def test_feature_maps(net, test_set):
    images = test_set.images[:4]
    explorer = feature_maps(net.features, images, list("abcd"))
    layers = explorer.data["layers"]
    assert [layer["name"] for layer in layers] == [f"convolution {i}" for i in range(1, 7)]
    assert [layer["field"] for layer in layers][:3] == ["3 x 3", "5 x 5", "10 x 10"]
    x = images
    for module in net.features[:7]:  # up to the ReLU of the third convolution
        x = module(x)
    third = unpack(layers[2]["maps"])
    np.testing.assert_allclose(third, x, atol=x.max() / 255)
    assert kilobytes(explorer) < 300


def test_feature_maps_need_a_relu():
    with pytest.raises(ValueError, match="found none"):
        feature_maps(Sequential(MaxPool2d(2)), np.zeros((1, 1, 28, 28), np.float32), ["a"])


def test_trainings():
    rng = np.random.default_rng(0)
    losses = {name: 10 ** rng.uniform(-2, 7, (5, 7, 60)) for name in ("plain", "normalized")}
    losses["plain"][1, 2, 30:] = np.inf, *[np.nan] * 29
    accuracies = {name: rng.random((5, 7)) for name in losses}
    explorer = trainings(np.logspace(-4, -1, 7), [0.1, 0.3, 1, 3, 10], losses, accuracies)
    assert explorer.data["rates"][0] == "0.0001" and explorer.data["scales"][1] == "0.3"
    plain, normalized = explorer.data["networks"]
    assert (plain["name"], normalized["name"]) == ("plain", "normalized")
    np.testing.assert_allclose(normalized["losses"], losses["normalized"], rtol=5e-3)
    np.testing.assert_allclose(plain["accuracies"], accuracies["plain"], atol=1e-4)
    assert (
        plain["losses"][1][2][29:]
        == [pytest.approx(losses["plain"][1, 2, 29], rel=5e-3)] + [None] * 30
    )
    json.dumps(explorer.data, allow_nan=False)
    assert kilobytes(explorer) < 300


def test_trainings_check_networks_and_shapes():
    losses, accuracies = np.ones((1, 2, 3)), np.ones((1, 2))
    with pytest.raises(ValueError, match=r"the same two networks, found \['a'\] and \['a'\]"):
        trainings([1, 2], [1], {"a": losses}, {"a": accuracies})
    with pytest.raises(ValueError, match=r"shape \(2, 2, steps\).*found \(1, 2, 3\)"):
        both = dict.fromkeys("ab", losses)
        trainings([1, 2], [1, 2], both, dict.fromkeys("ab", accuracies))
