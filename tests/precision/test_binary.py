import numpy as np
import pytest

from dlcourse.nn import Conv2d, CrossEntropyLoss, Flatten, Linear, ReLU, Sequential
from dlcourse.optim import Adam
from dlcourse.precision import BinaryWeights, binarize, weight_bytes, with_binary_weights


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_scale_is_that_of_least_squares(rng):
    weight = rng.standard_normal((3, 2, 3, 3)).astype(np.float32)
    signs, scale = binarize(weight)
    assert set(np.unique(signs)) == {-1, 1} and scale.dtype == np.float32

    def error(scale):
        return ((weight - scale[:, None, None, None] * signs) ** 2).sum()

    for step in (-0.01, 0.01):
        assert error(scale) < error(scale + step)


@pytest.mark.parametrize("kind", ["conv", "linear"])
def test_forward_and_input_gradient_are_those_of_the_binary_weights(rng, kind):
    layer = Conv2d(2, 3, 3, rng=rng) if kind == "conv" else Linear(6, 3, rng=rng)
    x = rng.standard_normal((4, 2, 5, 5) if kind == "conv" else (4, 6)).astype(np.float32)
    real = layer.weight.data.copy()
    signs, scale = binarize(real)
    plain = Conv2d(2, 3, 3, rng=rng) if kind == "conv" else Linear(6, 3, rng=rng)
    plain.weight.data[...] = (signs.T * scale).T
    binary = BinaryWeights(layer)
    y, expected = binary(x), plain(x)
    np.testing.assert_array_equal(y, expected)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    np.testing.assert_array_equal(binary.backward(dy), plain.backward(dy))
    # Straight through: the gradient of the binary weight, for the real one, which is as it was.
    np.testing.assert_array_equal(layer.weight.grad, plain.weight.grad)
    np.testing.assert_array_equal(layer.weight.data, real)


def test_the_real_weights_come_back_after_an_error(rng):
    layer = Linear(6, 3, rng=rng)
    real = layer.weight.data
    with pytest.raises(ValueError, match="expects"):
        BinaryWeights(layer)(np.zeros((1, 5), np.float32))
    assert layer.weight.data is real


def test_straight_through_learns_what_signs_can_say(rng):
    # A teacher with binary weights in the middle; its pupil starts from others.
    def network(rng):
        return with_binary_weights(
            Sequential(Flatten(), Linear(8, 16, rng=rng), ReLU(), Linear(16, 16, rng=rng), ReLU(),
                       Linear(16, 3, rng=rng))
        )  # fmt: skip

    x = rng.standard_normal((400, 8)).astype(np.float32)
    t = network(np.random.default_rng(1))(x).argmax(axis=1)
    pupil = network(np.random.default_rng(2))
    before = pupil.accuracy(x, t)
    start = binarize(pupil[3].layer.weight.data)[0]
    optimizer, loss = Adam(pupil.parameters(), lr=0.01), CrossEntropyLoss()
    for _ in range(150):
        pupil.zero_grad()
        loss(pupil(x), t)
        pupil.backward(loss.backward())
        optimizer.step()
    assert pupil.accuracy(x, t) > max(0.9, before + 0.2)
    assert (binarize(pupil[3].layer.weight.data)[0] != start).any()


def test_ends_stay_real_and_the_network_itself_too(rng):
    net = Sequential(*(Linear(10, 10, rng=rng) for _ in range(4)))
    network = with_binary_weights(net)
    assert [isinstance(layer, BinaryWeights) for layer in network] == [False, True, True, False]
    assert not any(isinstance(layer, BinaryWeights) for layer in net)
    # Two layers of 100 bits and 10 scales, two of 100 numbers, four biases.
    assert weight_bytes(network) == 2 * (13 + 40) + 2 * 400 + 4 * 40
    assert weight_bytes(net) == 4 * 440


def test_too_few_layers_are_refused(rng):
    with pytest.raises(ValueError, match="at least three convolutions and linear layers, found 2"):
        with_binary_weights(Sequential(Linear(2, 2, rng=rng), Linear(2, 2, rng=rng)))
