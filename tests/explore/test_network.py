"""The explorer of a whole network: what it is given, and what it says numbers are the sum of."""

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse import zoo
from dlcourse.explore.lib.network_data import network_data
from dlcourse.explore.network import network, telling
from dlcourse.models.residual import BasicBlock, projection
from dlcourse.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tanh,
)

#: For some units of every layer: what it is, and what its terms come to; likewise for gradients.
SUMS = """(nn, { network, image, label }) => {
  const session = new nn.Session();
  session.build(network);
  const layers = nn.layersOf(network.description);
  const answer = session.gradients({ images: image, labels: [label] });
  const pass = nn.passOf(layers, image, answer);
  const whole = { pass, weights: session.weights(), layers };
  const add = (terms) => terms.reduce((sum, t) => sum + t.total, 0);
  const found = { forward: [], backward: [], weights: [] };
  for (const layer of layers) {
    const size = pass.outputs[layer.id].data.length;
    const takers = layers.some(({ inputs }) => inputs.includes(layer.id));
    for (let unit = 0; unit < size; unit += Math.ceil(size / 40)) {
      const y = pass.outputs[layer.id].data[unit];
      if (layer.inputs.length)
        found.forward.push([y, add(nn.forwardTerms(whole, layer, unit)), layer.id]);
      if (takers)
        found.backward.push(
          [pass.grads[layer.id].data[unit], add(nn.backwardTerms(whole, layer, unit)), layer.id]);
    }
    if (layer.kind !== "Conv2d" && layer.kind !== "Linear") continue;
    const { data } = answer.parameterGrads[`${layer.id}.weight`];
    for (let weight = 0; weight < data.length; weight += Math.ceil(data.length / 30))
      found.weights.push([data[weight], nn.weightTerms(whole, layer, weight).total, layer.id]);
  }
  return found;
}"""


def all_kinds():
    rng = np.random.default_rng(4)
    around = projection(6, 8, 2, rng=rng)
    return Sequential(
        Conv2d(1, 6, 3, stride=2, padding=2, dilation=2, rng=rng),
        BatchNorm2d(6),
        LeakyReLU(0.2),
        MaxPool2d(3, stride=2, padding=1),
        Residual(Sequential(Conv2d(6, 6, 3, padding=1, rng=rng), Tanh())),
        BasicBlock(6, 8, 2, around, rng=rng),
        AvgPool2d(2, stride=1, padding=1),
        Sigmoid(),
        Residual(Conv2d(8, 4, 1, rng=rng), Conv2d(8, 4, 1, rng=rng)),
        Dropout(0.5),
        Flatten(),
        Linear(100, 12, rng=rng),
        ReLU(),
        Linear(12, 5, bias=False, rng=rng),
    )


@pytest.mark.parametrize("name", ["all kinds", "small-convnet-seed0", "mnist-resnet-20-seed0"])
def test_terms_add_up(node, digits, name):
    model = all_kinds() if name == "all kinds" else zoo.load(name)
    found = node(SUMS, network=network_data(model), image=digits.images[7:8], label=4)
    for way, sums in found.items():
        assert sums, way
        for layer in {layer for *_, layer in sums}:
            of_layer = np.array([pair for *pair, name in sums if name == layer])
            expected, total = of_layer.T
            scale = max(1e-6, np.abs(expected).max())
            np.testing.assert_allclose(
                total / scale, expected / scale, rtol=0, atol=2e-5, err_msg=f"{way} {layer}"
            )


def test_what_is_handed_over(digits):
    model = zoo.load("small-convnet-seed0")
    chosen = telling(digits, model.predict(digits.images))
    images, labels = digits.images[chosen], digits.labels[chosen]
    read = model(images).argmax(axis=1)
    assert (read == labels).sum() == 12
    assert len(set(zip(labels[12:], read[12:], strict=True))) == 8
    data = network(model, images, labels).data
    assert data["labels"] == labels.tolist()
    assert data["classes"] == list("0123456789")


def test_labels_are_what_is_read_if_there_are_none(digits):
    model = zoo.load("small-convnet-seed0")
    read = model(digits.images[:5]).argmax(axis=1).tolist()
    assert network(model, digits.images[:5]).data["labels"] == read


def linear():
    return Sequential(Flatten(), Linear(4, 3, rng=np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.zeros((2, 4)),), r"images must have shape \(N, C, H, W\), found \(2, 4\)"),
        ((np.zeros((2, 1, 2, 2)), [1]), "expected 2 labels and 3 classes, .* found 1 and 3"),
        ((np.zeros((1, 1, 2, 2)), [1], ["a"]), "expected 1 labels and 3 classes, .* and 1"),
        ((np.zeros((1, 1, 2, 2)), [3]), r"labels must lie from 0 to 2, found \[3\]"),
    ],
)
def test_wrong_input_is_told(given, message):
    with pytest.raises(ValueError, match=message):
        network(linear(), *given)


def test_an_unsupported_layer_is_named():
    with pytest.raises(TypeError, match="layer 1 is a GroupNorm"):
        network(Sequential(GlobalAvgPool(), GroupNorm(1, 4)), np.zeros((1, 4, 2, 2)))
