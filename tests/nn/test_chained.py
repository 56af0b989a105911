"""Layers that run in one pass are the same layers: no bit, no gradient and no call is another."""

import copy
import pickle

import numpy as np
import pytest
from gradients import check_gradients
from natively import BOTH, NEEDED, on_each_number_of_threads, special

from dlcourse import native
from dlcourse.models import (
    BasicBlock,
    Bottleneck,
    EfficientNetLite0,
    Inception,
    projection,
    resnet18,
)
from dlcourse.nn import BatchNorm2d, Conv2d, ReLU, ReLU6, Residual, Sequential
from dlcourse.nn import chained as module
from dlcourse.training import profile


def rng():
    return np.random.default_rng(0)


def images(*shape, dtype=np.float32):
    return rng().standard_normal(shape).astype(dtype)


def drawn(net):
    """The network with all its numbers drawn, statistics and scales too."""
    generator = rng()
    for name, values in net.state_dict().items():
        if values.dtype.kind == "f":
            values[...] = generator.standard_normal(values.shape) / np.sqrt(values[0].size)
        if name.endswith("running_var"):
            values[...] = np.abs(values) + 0.5
    return net


NETWORKS = {
    "convolution and ReLU": lambda: (Sequential(Conv2d(3, 20, 3, rng=rng()), ReLU()), (3, 9, 8)),
    "all three": lambda: (
        Sequential(Conv2d(3, 20, 3, padding=1, rng=rng()), BatchNorm2d(20), ReLU()),
        (3, 9, 8),
    ),
    "no ReLU": lambda: (
        Sequential(Conv2d(16, 33, 3, 2, bias=False, rng=rng()), BatchNorm2d(33)),
        (16, 9, 8),
    ),
    "normalization and ReLU": lambda: (Sequential(BatchNorm2d(5), ReLU()), (5, 7, 6)),
    "groups": lambda: (
        Sequential(Conv2d(6, 9, 3, groups=3, rng=rng()), BatchNorm2d(9), ReLU()),
        (6, 7, 6),
    ),
    "depthwise": lambda: (
        Sequential(Conv2d(35, 35, 3, groups=35, rng=rng()), BatchNorm2d(35), ReLU()),
        (35, 7, 6),
    ),
    "ReLU6": lambda: (
        Sequential(Conv2d(3, 20, 3, padding=1, rng=rng()), BatchNorm2d(20), ReLU6()),
        (3, 9, 8),
    ),
    "depthwise and ReLU6": lambda: (
        Sequential(Conv2d(5, 5, 3, groups=5, rng=rng()), ReLU6(), BatchNorm2d(5), ReLU6()),
        (5, 7, 6),
    ),
    "a row": lambda: (
        Sequential(
            *(ReLU(), Conv2d(4, 8, 1, rng=rng()), Conv2d(8, 8, 3, rng=rng()), ReLU(), ReLU()),
            *(BatchNorm2d(8), BatchNorm2d(8), ReLU(), Conv2d(8, 2, 1, rng=rng())),
        ),
        (4, 9, 8),
    ),
    "residual": lambda: (
        Residual(Sequential(Conv2d(4, 4, 3, padding=1, rng=rng()), BatchNorm2d(4), ReLU())),
        (4, 6, 6),
    ),
    "basic block": lambda: (
        BasicBlock(4, 8, 2, downsample=projection(4, 8, 2, rng=rng()), rng=rng()),
        (4, 6, 6),
    ),
    "shortcut": lambda: (BasicBlock(17, 17, rng=rng()), (17, 5, 7)),
    "bottleneck": lambda: (Bottleneck(8, 2, rng=rng()), (8, 6, 6)),
    "inception": lambda: (
        Inception(8, 4, 4, 8, 4, 4, 4, batch_norm=True, rng=rng()),
        (8, 6, 6),
    ),
    "resnet": lambda: (resnet18(num_classes=5, rng=rng()), (3, 32, 32)),
    "efficientnet": lambda: (EfficientNetLite0(5, dropout=0, rng=rng()), (3, 32, 32)),
}
SMALL = [name for name in NETWORKS if name not in ("resnet", "efficientnet")]
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def made(name, training=False, dtype=np.float32):
    net, shape = NETWORKS[name]()
    return drawn(net).astype(dtype).train(training), images(3, *shape, dtype=dtype)


def every_pass(net, x):
    """The output, and all gradients: bits of each by its name."""
    net.zero_grad()
    y = net(x)
    found = {"output": y.copy()}
    found["input"] = net.backward(rng().standard_normal(y.shape).astype(y.dtype))
    return found | {name: p.grad for name, p in net.named_parameters()}


def one_by_one(net, x, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "_is", lambda part, kind: False)
        return every_pass(net, x)


def check_same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if values is None:
            assert found[name] is None, name
        else:
            np.testing.assert_array_equal(found[name], values, err_msg=name)


@MODES
@pytest.mark.parametrize("name", NETWORKS)
def test_every_bit_is_that_of_the_layers_one_by_one(name, training, monkeypatch):
    net, x = made(name, training)
    state = copy.deepcopy(net.state_dict())
    expected = one_by_one(net, x, monkeypatch)
    statistics = copy.deepcopy(net.state_dict())
    net.load_state_dict(state)
    check_same(every_pass(net, x), expected)
    check_same(net.state_dict(), statistics)


@NEEDED
@MODES
@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_gives_the_same(name, training):
    net, x = made(name, training, np.float64)
    found = every_pass(net, x)
    with native.plain():
        expected = every_pass(net, x)
    for name, values in expected.items():
        most = 1e-9 * max(1, np.abs(values).max())
        np.testing.assert_allclose(found[name], values, rtol=0, atol=most, err_msg=name)


@MODES
@pytest.mark.parametrize("name", SMALL)
def test_numerical_gradients(name, training):
    net, x = made(name, training)
    check_gradients(net, x, rng(), entries=12)


@BOTH
@MODES
def test_no_number_and_infinity(dtype, training, monkeypatch):
    net, _ = made("all three", training, dtype)
    x = special((2, 3, 9, 8), dtype)
    with np.errstate(invalid="ignore"):
        check_same(every_pass(net, x), one_by_one(net, x, monkeypatch))
        for name in ("convolution and ReLU", "ReLU6"):
            other, _ = made(name, training, dtype)
            check_same(every_pass(other, x), one_by_one(other, x, monkeypatch))


@MODES
@pytest.mark.parametrize("name", ["all three", "depthwise", "normalization and ReLU"])
def test_threads_change_no_bit(name, training):
    net, _ = made(name, training)
    x = images(4, *NETWORKS[name]()[1][:1], 56, 56)
    on_each_number_of_threads(lambda: every_pass(net, x).values())


def calls(monkeypatch, name):
    """Count the calls of a kernel from now on."""
    counted, kernel = [], getattr(native, name)

    def watched(*given, **options):
        counted.append(options)
        return kernel(*given, **options)

    monkeypatch.setattr(native, name, watched)
    return counted


@NEEDED
def test_where_kernels_serve_there_is_one_pass(monkeypatch):
    net, x = made("all three")
    passes, others = calls(monkeypatch, "conv_norm_relu"), calls(monkeypatch, "relu")
    others_too = calls(monkeypatch, "scale_shift")
    net(x)
    assert [options["relu"] for options in passes] == [True]
    assert passes[0]["scale"].shape == (20,) and not others and not others_too
    net.train()(x)
    assert len(passes) == 1 and not others and not others_too  # normalization does ReLU's work
    block, x = made("shortcut")
    sums = calls(monkeypatch, "add_relu")
    block(x)
    assert len(passes) == 3 and passes[2]["plus"] is x and not others and not sums


@NEEDED
@MODES
def test_frozen_statistics_take_no_second_convolution_where_scales_learn(training, monkeypatch):
    net, x = made("all three", training)
    net[1].eval()
    convolutions = calls(monkeypatch, "conv"), calls(monkeypatch, "conv_norm_relu")
    every_pass(net, x)
    assert sum(map(len, convolutions)) == (1 if training else 2)
    for counted in convolutions:
        counted.clear()
    net.requires_grad_(False)
    every_pass(net, x)
    assert sum(map(len, convolutions)) == 1


@MODES
def test_frozen_parts_get_no_gradient(training, monkeypatch):
    net, x = made("all three", training)
    net[1].requires_grad_(False)
    expected = one_by_one(net, x, monkeypatch)
    assert expected["1.weight"] is None and expected["0.weight"] is not None
    check_same(every_pass(net, x), expected)


@MODES
@pytest.mark.parametrize("name", SMALL)
def test_an_output_may_be_changed_in_place(name, training):
    net, x = made(name, training)
    expected = every_pass(net, x)
    net.zero_grad()
    y = net(x)
    y *= 0
    dx = net.backward(rng().standard_normal(y.shape).astype(y.dtype))
    check_same(
        {"input": dx} | {n: p.grad for n, p in net.named_parameters()},
        {name: values for name, values in expected.items() if name != "output"},
    )


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_forward_pass_in_place_of_the_known_one_is_called(index):
    net, x = made("all three")
    expected, seen = net(x), []
    forward = net[index].forward
    net[index].forward = lambda x: seen.append(x.shape) or forward(x)
    np.testing.assert_array_equal(net(x), expected)
    assert len(seen) == 1


@pytest.mark.parametrize("kind", [Conv2d, BatchNorm2d, ReLU])
def test_a_forward_pass_that_a_class_gets_later_is_called(kind, monkeypatch):
    net, x = made("all three")
    expected, forward, seen = net(x), kind.forward, []
    monkeypatch.setattr(kind, "forward", lambda self, x: seen.append(x.shape) or forward(self, x))
    np.testing.assert_array_equal(net(x), expected)
    assert len(seen) == 1


def test_a_class_of_ones_own_is_called():
    class Leaky(ReLU):
        def forward(self, x):
            self.seen = x
            return super().forward(x) + x / 2

    net, x = made("all three")
    before = net[:2](x)
    net[2] = Leaky()
    np.testing.assert_array_equal(net(x), np.maximum(before, 0) + before / 2)
    np.testing.assert_array_equal(net[2].seen, before)


@pytest.mark.parametrize("name", ["all three", "basic block", "bottleneck", "inception"])
@MODES
def test_a_profile_has_every_layer(name, training):
    net, x = made(name)
    rows = profile(net, x, training=training, repeats=1).rows
    layers = [name for name, part in net.named_modules() if not any(part.named_children())]
    assert sorted(row.name for row in rows) == sorted(layers)
    assert all(row.forward.seconds > 0 for row in rows)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
@MODES
def test_numbers_without_kernels(dtype, training, monkeypatch):
    net, x = made("all three", training, dtype)
    with np.errstate(over="ignore"):  # float16 has no room for all of these gradients
        check_same(every_pass(net, x), one_by_one(net, x, monkeypatch))


def test_images_of_another_dtype_are_converted():
    net, x = made("all three")
    expected = net(x)
    for dtype in (np.float16, np.float64):
        x = x.astype(np.float16).astype(np.float32)
        found = net(x.astype(dtype))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, net(x))
    assert found.shape == expected.shape


@MODES
def test_a_batch_of_no_images(training, monkeypatch):
    net, x = made("all three", training)
    check_same(every_pass(net, x[:0]), one_by_one(net, x[:0], monkeypatch))


def test_normalization_of_another_width_is_named():
    net = Sequential(Conv2d(3, 4, 3, rng=rng()), BatchNorm2d(5), ReLU()).eval()
    with pytest.raises(ValueError, match=r"BatchNorm2d.*5"):
        net(images(1, 3, 5, 5))


@MODES
def test_what_passes_leave_behind_is_not_copied(training):
    net, x = made("all three", training)
    size = len(pickle.dumps(net))
    y = net(x)
    net.backward(y)
    net.zero_grad()
    assert len(pickle.dumps(net)) == size
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.replica()):
        np.testing.assert_array_equal(twin(x), y)


def test_a_layer_that_runs_twice_is_found_out():
    conv = Conv2d(3, 3, 1, rng=rng())
    net = Sequential(conv, ReLU(), conv, ReLU())
    y = net(images(1, 3, 4, 4))
    with pytest.raises(RuntimeError, match="more than once"):
        net.backward(y)
