"""The engine of js/nn computes what dlcourse.nn does, in Node and Chromium, by both its kernels."""

import numpy as np
import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from engine import assert_agree, passes, reference

from dlcourse import zoo
from dlcourse.explore.lib.network_data import network_data
from dlcourse.metrics import accuracy
from dlcourse.models import DeepConvNet, ResNetCifar, StackedConvNet
from dlcourse.models.residual import BasicBlock, Bottleneck, ZeroPadShortcut, projection
from dlcourse.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    GlobalAvgPool,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Tanh,
)
from dlcourse.optim import SGD, Adam, Momentum

SHIPPED = ["small-convnet-seed0", "deep-convnet-seed0", "mnist-resnet-20-seed0"]


def assert_both_agree(both, expected):
    for found in both:
        assert_agree(found, expected, 1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_in_evaluation(engine, digits, name):
    network, x, t = zoo.load(name), digits.images[:5], np.array([3, 2, 1, 0, 4])
    assert_both_agree(passes(engine, network, x, t), reference(network, x, t))


@pytest.mark.parametrize("name", ["small-convnet-seed0", "mnist-resnet-20-seed0"])
def test_shipped_networks_in_training(engine, digits, name):
    """Normalization by the batch, whose running averages move."""
    network, x, t = zoo.load(name).train(), digits.images[:8], digits.labels[:8]
    assert_both_agree(passes(engine, network, x, t), reference(network, x, t))


def two(rng, low, high):
    """Draw a number for rows and one for columns."""
    return tuple(map(int, rng.integers(low, high, 2)))


def random_layers(rng, channels, size):
    """Yield a few layers that fit, and the shape behind each."""
    for _ in range(rng.integers(2, 6)):
        kind = rng.choice(["conv", "bend", "pool", "norm", "residual", "block"])
        if kind == "conv":
            width, kernel = int(rng.integers(1, 7)), two(rng, 1, 4)
            stride, padding, dilation = two(rng, 1, 4), two(rng, 0, 3), two(rng, 1, 3)
            more = {"bias": bool(rng.integers(2)), "rng": rng}
            yield Conv2d(channels, width, kernel, stride, padding, dilation, **more), width
            channels = width
        elif kind == "bend":
            yield rng.choice([ReLU(), LeakyReLU(0.2), Tanh(), Sigmoid()]), channels
        elif kind == "pool":
            pool, kernel, stride = (
                rng.choice([MaxPool2d, AvgPool2d]),
                two(rng, 1, 5),
                two(rng, 1, 4),
            )
            padding = tuple(int(rng.integers(0, side // 2 + 1)) for side in kernel)
            yield pool(kernel, stride, padding), channels
        elif kind == "norm":
            yield BatchNorm2d(channels, eps=1e-3, momentum=0.3), channels
        elif kind == "residual":
            width = int(rng.integers(1, 6))
            around = Conv2d(channels, width, 1, rng=rng) if width != channels else None
            body = Conv2d(channels, width, 3, padding=1, rng=rng)
            yield Residual(Sequential(body, ReLU()), around), width
            channels = width
        else:
            more, stride = int(rng.integers(0, 3)), int(rng.integers(1, 3))
            width = channels + more
            shortcut = bool(rng.integers(4))
            around = (
                projection(channels, width, stride, rng=rng)
                if rng.integers(2)
                else ZeroPadShortcut(more, stride)
            )
            yield BasicBlock(channels, width, stride, around, shortcut, rng=rng), width
            channels = width


def random_network(seed):
    """Return a network of all kinds of layers with all kinds of arguments, and images for it."""
    rng = np.random.default_rng(seed)
    channels, sides = int(rng.integers(1, 5)), two(rng, 5, 14)
    x = rng.standard_normal((3, channels, *sides)).astype(np.float32)
    layers, y = [], x
    for layer, width in random_layers(rng, channels, sides):
        try:
            after = layer(y)
        except ValueError:  # the window does not fit what is left of the image
            break
        if after.size // width < 8:  # normalization of a few values has wild gradients
            break
        layers, y, channels = [*layers, layer], after, width
    if rng.integers(2):
        layers += [GlobalAvgPool(), Linear(channels, 4, bias=bool(rng.integers(2)), rng=rng)]
    else:
        layers += [Flatten(), Linear(y[0].size, 4, rng=rng)]
    network = Sequential(*layers)
    for name, array in network.state_dict().items():  # biases start at zero: move them
        if name.endswith(("bias", "running_mean", "running_var")):
            array += rng.random(array.shape, dtype=np.float32) / 2
    return network, x, rng.integers(0, 4, 3)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("seed", range(20))
def test_random_networks(engine, seed, training):
    network, x, t = random_network(seed)
    network.train(training)
    assert_both_agree(passes(engine, network, x, t), reference(network, x, t))


def test_a_bottleneck(engine):
    rng = np.random.default_rng(0)
    around = projection(4, 8, 2, rng=rng)
    network = Sequential(
        Bottleneck(4, 2, 2, around, rng=rng), GlobalAvgPool(), Linear(8, 3, rng=rng)
    )
    x, t = rng.standard_normal((4, 4, 6, 6)).astype(np.float32), np.array([0, 1, 2, 0])
    assert_both_agree(passes(engine, network, x, t), reference(network, x, t))


def test_dropout_with_the_numbers_that_numpy_draws(engine):
    network = DeepConvNet(dropout=0.4, dropout_on_logits=True, rng=np.random.default_rng(0))
    x = np.random.default_rng(2).random((4, 1, 28, 28), dtype=np.float32)
    t = np.array([1, 2, 3, 4])
    draws = np.random.default_rng(5)
    random = np.concatenate([draws.random(4 * n, dtype=np.float32) for n in (50, 10)])
    found = passes(engine, network, x, t, random=random)
    network.set_generator(np.random.default_rng(5))
    assert_both_agree(found, reference(network, x, t))
    dropped = found[0]["passes"]["classifier.3"]
    assert ((dropped["y"] == 0) & (dropped["x"] != 0)).any()


STEPS = """(nn, { network, x, t, optimizer, lr }) => {
  const net = nn.loadWeights(nn.build(network.description), nn.decoded(network.weights));
  const rule = nn.optimizer(optimizer, net, lr);
  const losses = [];
  for (let i = 0; i < 10; i++) {
    const images = x.data.subarray(i * 16 * 784, (i + 1) * 16 * 784);
    const scores = net.forward(nn.tensor([16, 1, 28, 28], images));
    const criterion = new nn.CrossEntropyLoss();
    net.zeroGrad();
    losses.push(criterion.forward(scores, t.slice(i * 16, (i + 1) * 16)));
    net.backward(criterion.backward());
    rule.step();
  }
  return { losses, state: net.stateDict() };
}"""


@pytest.mark.parametrize(("optimizer", "lr"), [(SGD, 0.1), (Momentum, 0.05), (Adam, 1e-3)])
@pytest.mark.parametrize("kind", ["small", "residual"])
def test_ten_steps_of_training(engine, digits, kind, optimizer, lr):
    # From some seeds a ReLU's input comes so near to zero that rounding decides on its gate.
    rng = np.random.default_rng(2)
    network = (
        StackedConvNet([[8, 8], [16, 16]], batch_norm=True, rng=rng)
        if kind == "small"
        else ResNetCifar(8, in_channels=1, width=4, rng=rng)
    )
    x, t = digits.images[:160], digits.labels[:160].astype(np.int64)
    given = {"optimizer": optimizer.__name__, "lr": lr}
    both = engine.both(STEPS, network=network_data(network), x=x, t=t, **given)
    network.astype(np.float64)
    rule, losses = optimizer(network.parameters(), lr=lr), []
    for i in range(0, 160, 16):
        criterion = CrossEntropyLoss()
        network.zero_grad()
        losses.append(criterion(network(x[i : i + 16].astype(np.float64)), t[i : i + 16]))
        network.backward(criterion.backward())
        rule.step()
    state = {n: a.ravel() for n, a in network.state_dict().items() if "tracked" not in n}
    for found in both:
        assert_agree(found["state"], state, 1e-4)
        np.testing.assert_allclose(found["losses"], losses, rtol=1e-4)


POOLED = """(nn, { x, kernel_size, stride, padding }) => {
  const pool = new nn.MaxPool2d({ kernel_size, stride, padding });
  const y = pool.forward(x);
  return { y, dx: pool.backward(nn.tensor(y.shape, y.data.map((_, i) => i + 1))) };
}"""


@pytest.mark.parametrize("lowest", [0, np.nan, -np.inf])
def test_the_first_of_equals_wins_and_the_last_that_is_no_number(engine, lowest):
    """The border, of minus infinity, never does."""
    x = np.random.default_rng(0).integers(0, 3, (2, 2, 7, 6)).astype(np.float32)
    x[x == 0] = lowest
    x[0, 0, :3] = lowest
    given = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)}
    pool = MaxPool2d(**given)
    y = pool(x)
    dy = 1 + np.arange(y.size, dtype=np.float32).reshape(y.shape)
    for found in engine.both(POOLED, x=x, **given):
        np.testing.assert_array_equal(found["y"], y)
        np.testing.assert_array_equal(found["dx"], pool.backward(dy))


def test_no_number_passes_a_relu(engine):
    x = np.array([[np.nan, -1, 0, 2, -np.inf, np.inf]], np.float32)
    found = engine(
        """(nn, { x }) => {
          const relu = new nn.ReLU();
          const y = relu.forward(x);
          return { y, dx: relu.backward(nn.tensor(x.shape, x.data.map((_, i) => i + 1))) };
        }""",
        x=x,
    )
    relu = ReLU()
    np.testing.assert_array_equal(found["y"], relu(x))
    dy = np.arange(1, 7, dtype=np.float32)[None]
    np.testing.assert_array_equal(found["dx"], relu.backward(dy))


def test_the_best_of_equal_scores_and_of_none(engine):
    x = np.random.default_rng(0).integers(0, 3, (50, 4)).astype(np.float32)
    x[::5, 1:3] = np.nan
    x[1], x[2] = -np.inf, np.nan
    labels = np.zeros(50, int)
    found = engine("(nn, { x, t }) => [nn.argmax(x), nn.hits(x, t)]", x=x, t=labels)
    assert found == [x.argmax(axis=1).tolist(), round(50 * accuracy(x, labels))]


def test_a_batch_of_no_images(engine):
    rng = np.random.default_rng(0)
    network = Sequential(
        *(Conv2d(1, 3, 3, rng=rng), MaxPool2d(2), AvgPool2d(2), ReLU()),
        *(Flatten(), Linear(12, 2, rng=rng)),
    )
    code = """(nn, { network }) => {
      const net = nn.loadWeights(nn.build(network.description), nn.decoded(network.weights));
      const y = net.forward(nn.tensor([0, 1, 10, 10]));
      const dx = net.backward(y);
      return { y: y.shape, dx: dx.shape, grad: net.parameters().map(({ grad }) => grad) };
    }"""
    for found in engine.both(code, network=network_data(network)):
        assert found["y"] == [0, 2] and found["dx"] == [0, 1, 10, 10]
        assert all((grad == 0).all() for grad in found["grad"])


def test_sums_of_products(engine):
    """What all products go through, for any number of rows, columns and outputs."""
    rng = np.random.default_rng(0)
    code = """(nn, { x, rows, columns, packed }) => {
      const [r, c] = [Int32Array.from(rows), Int32Array.from(columns)];
      const plain = nn.plainSums(x.data, r, c, packed.data);
      return { plain, simd: nn.simdSums(x.data, r, c, packed.data).slice() };
    }"""
    for rows, columns, blocks in [
        (1, 1, 1),
        (2, 3, 2),
        (3, 2, 1),
        (4, 9, 3),
        (5, 1, 2),
        (70, 300, 9),
    ]:
        x = rng.standard_normal(1000).astype(np.float32)
        r, c = rng.integers(0, 500, rows), rng.integers(0, 500, columns)
        packed = rng.standard_normal((blocks, columns, 4)).astype(np.float32)
        expected = np.einsum("rc,bco->bro", x[r[:, None] + c].astype(np.float64), packed)
        found = engine(code, x=x, rows=r, columns=c, packed=packed)
        for name in ("plain", "simd"):
            assert_agree(found[name].reshape(expected.shape), expected, 1e-5, name)
