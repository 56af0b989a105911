"""The explorer of a whole network: what it is given, and what it says numbers are the sum of."""

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse import zoo
from dlcourse.explore.lib.network_data import network_data
from dlcourse.explore.network import network, telling
from dlcourse.models.residual import BasicBlock, ZeroPadShortcut, projection
from dlcourse.nn import (
    AdaptiveAvgPool2d,
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
  const found = { forward: [], backward: [], weights: [], biases: [] };
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
    if (!["Conv2d", "Linear", "BatchNorm2d"].includes(layer.kind)) continue;
    const { data } = answer.parameterGrads[`${layer.id}.weight`];
    for (let weight = 0; weight < data.length; weight += Math.ceil(data.length / 30))
      found.weights.push([data[weight], nn.weightTerms(whole, layer, weight).total, layer.id]);
    const bias = answer.parameterGrads[`${layer.id}.bias`]?.data ?? [];
    bias.forEach((v, i) => found.biases.push([v, nn.biasGradient(whole, layer, i), layer.id]));
  }
  return found;
}"""

#: What every gate, pooling and shortcut makes of its maps, beside what the engine says.
PASSAGES = """(nn, { network, image }) => {
  const session = new nn.Session();
  session.build(network);
  const layers = nn.layersOf(network.description);
  const pass = nn.passOf(layers, image, session.gradients({ images: image, labels: [1] }));
  const whole = { pass, weights: session.weights(), layers };
  const found = [];
  for (const layer of layers) {
    if (!nn.passageOf(whole, layer, 1, true)) continue;
    const shape = (name) => nn.sidesOf(pass.outputs[name].shape);
    const map = (name, tensors) => {
      const [, height, width] = shape(name);
      const plane = height * width;
      const { data } = tensors[name];
      return plane === 1 ? data : data.slice(plane, 2 * plane);
    };
    const forth = nn.passageOf(whole, layer, 1, false).parts;
    const back = nn.passageOf(whole, layer, 1, true).parts;
    found.push({
      kind: layer.kind,
      forth: forth.map(({ data }) => data),
      back: back.map(({ data }) => data),
      x: layer.inputs.map((name) => map(name, pass.outputs)),
      y: map(layer.id, pass.outputs),
      dy: map(layer.id, pass.grads),
      dx: layer.inputs.map((name) => map(name, pass.grads)),
      alone: layer.inputs.map((name) => layers.filter((l) => l.inputs.includes(name)).length === 1),
    });
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
        BasicBlock(8, 10, 2, ZeroPadShortcut(2, 2), rng=rng),
        AvgPool2d(2, stride=1, padding=1),
        Sigmoid(),
        Residual(Conv2d(10, 4, 1, rng=rng), Conv2d(10, 4, 1, rng=rng)),
        Dropout(0.5),
        Flatten(),
        Linear(36, 12, rng=rng),
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


@pytest.mark.parametrize("name", ["all kinds", "small-convnet-seed0"])
def test_gates_winners_and_shortcuts_pass_what_the_network_does(node, digits, name):
    model = all_kinds() if name == "all kinds" else zoo.load(name)
    found = node(PASSAGES, network=network_data(model), image=digits.images[7:8])
    kinds = {"LeakyReLU", "MaxPool2d", "ReLU", "Sum"} if name == "all kinds" else {"ReLU"}
    assert {passage["kind"] for passage in found} >= kinds
    for passage in found:
        gated = passage["kind"] != "Sum"
        forth, back = passage["forth"], passage["back"]
        for x, part in zip(passage["x"], forth, strict=False):
            np.testing.assert_array_equal(part[: x.size], x)
        np.testing.assert_allclose(forth[-1][: passage["y"].size], passage["y"], atol=1e-6)
        np.testing.assert_array_equal(back[0][: passage["dy"].size], passage["dy"])
        if gated:
            np.testing.assert_array_equal(forth[1], back[1])
        for dx, part, alone in zip(
            passage["dx"], back[2:] if gated else back[1:], passage["alone"], strict=True
        ):
            if alone:  # else the gradient of its input has other terms, too
                np.testing.assert_allclose(part[: dx.size], dx, atol=1e-6)


@pytest.mark.parametrize(
    ("strokes", "found"),
    [
        # A seven in a corner, small; a one that is too large; a dot.
        ([[[2, 1], [2, 6], [10, 3]]], 20),
        ([[[0, 27], [27, 0]]], 20),
        ([[[5, 5]]], 3),
    ],
)
def test_strokes_are_scaled_and_centred_as_mnist_is(node, strokes, found):
    code = """(nn, { strokes }) => {
      const ink = nn.centred(strokes, [28, 28]);
      return { ink, mass: nn.massOf(ink, [28, 28]) };
    }"""
    drawn = node(code, strokes=strokes)
    np.testing.assert_allclose(drawn["mass"], [13.5, 13.5], atol=0.15)
    rows, columns = np.nonzero(drawn["ink"].reshape(28, 28) >= 0.5)
    assert abs(max(np.ptp(rows), np.ptp(columns)) + 1 - found) <= 1
    assert drawn["ink"].max() > 0.95


def test_scores_that_are_no_numbers_are_told(node):
    code = """(nn, { logits }) => {
      const loss = new nn.CrossEntropyLoss();
      const known = { label: 1, classes: ["a", "b"], drawn: false, taken: false };
      return logits.map((row) => {
        const scores = nn.tensor([1, 2], Float32Array.from(row, (v) => v ?? Infinity));
        const found = loss.forward(scores, [1]);
        return nn.verdict(nn.softmax(scores).data, found, { read: nn.argmax(scores)[0], ...known });
      });
    }"""
    right, wrong, none = node(code, logits=[[0, 100], [100, 0], [0, None]])
    assert right == "The network reads b (100%), which is right. Loss: 0."
    assert wrong.startswith("The network reads a (100%); right is b (")
    assert none == "The scores are no numbers any more: reset the weights."


def test_a_link_names_a_layer_by_its_name_or_its_class(node):
    code = """(nn, { description, names }) => {
      const layers = nn.layersOf(description);
      return names.map((name) => layers[nn.layerNamed(layers, name)]?.id ?? null);
    }"""
    description = network_data(all_kinds())["description"]
    names = ["5.conv2", "ReLU", "BasicBlock", "Linear", "GroupNorm", "Sequential"]
    assert node(code, description=description, names=names) == [
        "5.conv2",
        "5.relu1",
        "4.sum",
        "12",
        None,
        "14",
    ]


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


def images(*shape, value=0.0, dtype=np.float32):
    return np.full(shape, value, dtype)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([[0.0]],), r"images must be an array of shape \(N, C, H, W\), found a list"),
        ((images(2, 4),), r"images must have shape \(N, C, H, W\), found \(2, 4\)"),
        (
            (images(2, 2, 2),),
            r"found \(2, 2, 2\): grey ones get their channel by images\[:, None\]",
        ),
        ((images(0, 1, 2, 2),), r"images must have shape \(N, C, H, W\), found \(0, 1, 2, 2\)"),
        (
            (images(101, 1, 2, 2),),
            r"at most 100 images to choose from, found 101: .* images\[:20\]",
        ),
        ((images(1, 1, 3, 2),), r"expects \(N, 4\), found shape \(1, 6\)"),
        ((images(1, 1, 2, 2, dtype=np.uint8),), "expects floating-point values, found uint8"),
        ((images(1, 1, 2, 2, value=np.nan),), "images of finite values, found NaN or infinity"),
        ((images(2, 1, 2, 2), [1]), r"expected 2 whole numbers as labels, .* shape \(1,\)"),
        ((images(1, 1, 2, 2), ["one"]), r"expected 1 whole numbers as labels, .* of <U3"),
        ((images(1, 1, 2, 2), 1), r"expected 1 whole numbers as labels, .* found shape \(\)"),
        ((images(1, 1, 2, 2), [1], ["a"]), "expected 3 classes, one for each score, found 1"),
        ((images(1, 1, 2, 2), [3]), r"labels must lie from 0 to 2, found \[3\]"),
    ],
)
def test_wrong_input_is_told(given, message):
    with pytest.raises(ValueError, match=message):
        network(linear(), *given)


def test_scores_of_another_shape_are_told():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"scores of shape \(N, classes\), found \(1, 3, 2, 2\)"):
        network(Sequential(Conv2d(1, 3, 1, rng=rng)), images(1, 1, 2, 2))


def test_a_network_that_no_page_can_hold_is_told():
    large = Sequential(Flatten(), Linear(4, 1_000_000, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match="at most 4,000,000 parameters, .* found 5,000,000"):
        network(large, images(1, 1, 2, 2))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([GlobalAvgPool(), GroupNorm(1, 4)], "layer 1 is a GroupNorm"),
        ([AdaptiveAvgPool2d(1)], "layer 0 is a AdaptiveAvgPool2d"),
    ],
)
def test_an_unsupported_layer_is_named(layers, message):
    with pytest.raises(TypeError, match=message):
        network(Sequential(*layers), images(1, 4, 2, 2))


def test_the_network_is_left_as_it_was():
    model = Sequential(Dropout(0.5), Flatten(), Linear(4, 3, rng=np.random.default_rng(0))).train()
    network(model, images(1, 1, 2, 2))
    assert model.training and model[0].training
    with pytest.raises(ValueError, match="expects"):
        network(model, images(1, 1, 3, 2))
    assert model.training
