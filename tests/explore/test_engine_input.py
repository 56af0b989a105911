"""What the engine of js/nn does not have, and what is wrong, is told in a sentence."""

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.lib.network_data import network_data
from dlcourse.nn import Concat, Conv2d, Linear, MaxPool2d, Module, ReLU, Sequential


class Twice(Module):
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (lambda rng: Twice(), TypeError, "layer 0.1 is a Twice, which does not run in the browser"),
        (lambda rng: Concat(ReLU()), TypeError, "layer 0.1 is a Concat"),
        (lambda rng: Conv2d(2, 2, 1, groups=2, rng=rng), ValueError, "0.1 has groups=2, .*only"),
        (lambda rng: MaxPool2d(2, ceil_mode=True), ValueError, "0.1 has ceil_mode=True"),
    ],
)
def test_what_the_engine_does_not_have(layer, error, message):
    network = Sequential(Sequential(ReLU(), layer(np.random.default_rng(0))))
    with pytest.raises(error, match=message):
        network_data(network)


def test_layers_that_share_weights():
    rng = np.random.default_rng(0)
    one, other = Linear(3, 3, rng=rng), Linear(3, 3, rng=rng)
    other.weight = one.weight
    for layers in [(one, ReLU(), other), (one, ReLU(), one)]:
        with pytest.raises(
            ValueError, match=r"0\.weight and 2\.weight are one parameter, .*browser"
        ):
            network_data(Sequential(*layers))


def test_a_network_that_is_no_chain_is_named():
    with pytest.raises(TypeError, match="the network is a Twice"):
        network_data(Twice())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("nn.build({ kind: 'LSTM' })", "this engine has no layer LSTM; it has AvgPool2d, "),
        ("nn.build({ kind: 'toString' })", "this engine has no layer toString"),
        ("session.read({ images: null })", "there is no network yet: call build first"),
        ("session.train({ steps: 1 })", "nothing to train yet: call prepare first"),
        ("nn.loadWeights(linear, new Float32Array(5))", "it has 8, found 5"),
        ("linear.forward(nn.tensor([2, 4]))", r"Linear expects \(N, 3\), found shape \(2, 4\)"),
        ("nn.tensor([2, 2], new Float32Array(3))", r"shape \(2, 2\) has 4 values, found 3"),
        ("conv.forward(nn.tensor([1, 2, 5, 5]))", r"expects images \(N, 1, H, W\), found shape"),
        ("conv.forward(nn.tensor([1, 1, 2, 5]))", "a window of 3 does not fit 2 pixels"),
        ("conv.backward(nn.tensor([1, 1, 2, 5]))", "needs a forward pass before its backward"),
        ("norm.forward(nn.tensor([1, 1, 1, 1]))", "more than one value per channel"),
        ("drop.forward(nn.tensor([1, 1]))", "Dropout needs a random generator to train"),
        ("loss.forward(nn.tensor([1, 3]), [3])", "labels must lie from 0 to 2, found 3"),
        ("loss.forward(nn.tensor([1, 3]), [])", "one label for each row of scores, found 0 for 1"),
        (
            "loss.forward(nn.tensor([1, 3, 2, 2]), [0])",
            r"\(N, classes\), found shape \(1, 3, 2, 2\)",
        ),
        ("session.prepare({ data: empty, heldOut: empty })", "at least one image to train on"),
        ("nn.optimizer('LBFGS', linear, 1)", "no optimizer LBFGS; it has SGD, Momentum, Adam"),
        ("nn.sum(nn.tensor([1]), nn.tensor([2]))", r"one shape, found \(2\) and \(1\)"),
    ],
)
def test_wrong_input_is_told(node, code, message):
    with pytest.raises(RuntimeError, match=message):
        node(
            f"""(nn) => {{
              const session = new nn.Session();
              const linear = new nn.Linear({{ in_features: 3, out_features: 2 }});
              const conv = new nn.Conv2d({{ in_channels: 1, out_channels: 1, kernel_size: 3 }});
              const norm = new nn.BatchNorm2d({{ num_features: 1 }});
              const empty = {{ images: [], shape: [1, 2, 2], labels: [] }};
              const [drop, loss] = [new nn.Dropout(), new nn.CrossEntropyLoss()];
              {code};
            }}"""
        )
