import numpy as np
import pytest
from states import unchanged

from dlcourse.models import DeepConvNet, ResNetCifar
from dlcourse.nn import Module
from dlcourse.precision import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, flat_layers, in_format


@pytest.fixture(scope="module")
def net():
    return DeepConvNet(rng=np.random.default_rng(0)).eval()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((4, 1, 28, 28), dtype=np.float32)


def test_float32_changes_nothing(net, images):
    np.testing.assert_array_equal(in_format(net, FLOAT32)(images), net(images))


def test_float64_computes_in_float64(net, images):
    scores = in_format(net, FLOAT64)(images)
    assert scores.dtype == np.float64
    exact = DeepConvNet(rng=np.random.default_rng(0)).astype(np.float64).eval()
    np.testing.assert_allclose(scores, exact(images.astype(np.float64)), rtol=1e-12)


@pytest.mark.parametrize(("format", "most"), [(FLOAT16, 0.02), (BFLOAT16, 0.15)])
def test_short_formats_hold_what_is_between_layers(net, images, format, most):
    network = in_format(net, format)
    x = images
    for layer in network:
        x = layer(x)
        if type(layer).__name__ == "Round":
            np.testing.assert_array_equal(x, x.astype(format.dtype).astype(np.float32))
    error = abs(x - net(images)).max()
    assert 0 < error < most * abs(x).max()
    for value in network.state_dict().values():
        np.testing.assert_array_equal(value, value.astype(format.dtype).astype(np.float32))


def test_the_network_itself_stays(net, images):
    with unchanged(net):
        in_format(net, BFLOAT16).predict(images)


def test_prediction_in_batches_is_the_same(net, images):
    network = in_format(net, FLOAT16)
    scores = network.predict(images, batch_size=3)
    np.testing.assert_allclose(scores, network.predict(images), atol=2e-2)
    right = scores.argmax(axis=1)
    assert network.accuracy(images, right) == 1.0
    assert network.accuracy(images, (right + 1) % 10) == 0.0


def test_shortcuts_are_refused():
    net = ResNetCifar(8, in_channels=1, width=4, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="joins its parts in another way"):
        flat_layers(net)
    assert isinstance(flat_layers(Module())[0], Module)
